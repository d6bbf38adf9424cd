"""Record how attempts ended, even where part of an outcome cannot be stored.

An outcome is recorded whole if possible; otherwise without its result, answer and messages; otherwise also without the
consequences that cannot be written. How the attempt ended is always recorded, so that a receiver that has succeeded is
not called again, and the run is not counted as lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from core import attempt_endings, storable
from core.attempt_endings import MESSAGE_KEPT
from core.errors import AttemptError, DatabaseUnavailable, PermanentFailure, TransientFailure, Unavailable
from core.receiver_answers import PollAnswer
from core.retry import GIVE_UP, MAX_RETRY_AFTER_SECONDS
from core.states import JobState
from models.hot import endings
from models.hot.rows import Locked
from models.pauses import Gate
from services.execution import applying, deferred, recording
from services.execution.recording import AwaitsReport, Decided, StaleFence
from services.execution.work import Failed, HandedIn, Result, Succeeded, Work
from services.scheduling import run_endings
from services.scheduling.run_endings import DecidedEnd, RunOutcome
from services.system import System

NOT_WHOLE = "Part of the result is not JSON; it is kept as text."
NOT_KEPT = "It was done, but its result could not be kept."
_FAULT_NOT_KEPT = "It failed, and its error could not be kept."
_MAX_STATUS = 2**31 - 1
log = structlog.get_logger()


def record(system: System, ended: Sequence[HandedIn]) -> list[RunOutcome | StaleFence]:
    """Record how attempts ended, as `recording.record` does; a single attempt is recorded whatever its outcome holds.

    Raises `DatabaseUnavailable` while nothing can be recorded. For several attempts, raises the error that one of
    them causes: record each alone then.
    """
    kept = [(work, as_kept(result)) for work, result in ended]
    try:
        return recording.record(system, kept)
    except Unavailable:
        raise
    except Exception:
        if len(kept) > 1:
            raise
        log.exception("record_failed", run_id=str(kept[0][0].run_id))
    return [_record_without_content(system, *kept[0])]


def as_kept(result: Result) -> Result:
    """Returns a result in a form that can be stored, sent on and shown."""
    try:
        match result:
            case Succeeded():
                return _succeeded(result)
            case Failed(error, answer, made):
                text = None if answer is None else storable.text(answer)
                return Failed(_error(error), text, storable.json_value(made).value)
            case _:
                return result
    except Exception:  # an outcome's own code may raise anything
        log.exception("outcome_not_kept")
        return _without_content(result)


def _succeeded(result: Succeeded) -> Succeeded:
    made = storable.json_value(result.result)
    return Succeeded(
        storable.whole_number(result.status_code, 0, _MAX_STATUS),
        storable.text(result.answer),
        None if result.poll is None else _poll(result.poll),
        made.value,
        result.note or (None if made.is_whole else NOT_WHOLE),
    )


def _poll(poll: PollAnswer) -> PollAnswer:
    state = None if poll.polling_state is None else storable.json_value(poll.polling_state).value
    message = None if poll.message is None else storable.text(poll.message)
    return replace(poll, polling_state=state, progress=storable.json_value(poll.progress).value, message=message)


def _error(error: AttemptError) -> AttemptError:
    """Returns a storable error for one that a custom task raised, whose members may have any type."""
    kind = PermanentFailure if error.permanent else TransientFailure
    return kind(
        storable.text(getattr(error, "message", error), MESSAGE_KEPT),
        status_code=storable.whole_number(getattr(error, "status_code", None), 0, _MAX_STATUS),
        retry_after_seconds=storable.seconds(getattr(error, "retry_after_seconds", None), MAX_RETRY_AFTER_SECONDS),
        was_called=getattr(error, "was_called", True) is not False,
    )


def _without_content(result: Result) -> Result:
    """Returns only how an attempt ended, without result, answer and messages."""
    match result:
        case Succeeded(poll=PollAnswer(done=done)):
            same_state = PollAnswer(None, done=done, next_in_seconds=None, progress=None, message=None)
            return Succeeded(None, "", same_state, note=NOT_KEPT)
        case Succeeded():
            return Succeeded(None, "", note=NOT_KEPT)
        case Failed(error):
            kind = PermanentFailure if isinstance(error, PermanentFailure) else TransientFailure
            return Failed(kind(_FAULT_NOT_KEPT))
        case _:
            return result


def _record_without_content(system: System, work: Work, result: Result) -> RunOutcome | StaleFence:
    """Record an outcome that could not be recorded whole. Raises `DatabaseUnavailable` where not even that works."""
    bare = _without_content(result)
    try:
        [recorded] = recording.record(system, [(work, bare)])
    except Unavailable:
        raise
    except Exception:
        log.exception("record_failed_again", run_id=str(work.run_id))
        return _record_best_effort(system, work, bare)
    return recorded


def _record_best_effort(system: System, work: Work, result: Result) -> RunOutcome | StaleFence:
    """Record how an attempt ended, and as many of its consequences as can be written."""
    try:
        with system.transaction(Gate.UNUSED) as unit:
            now = unit.now
            locked = endings.lock([work.job_id], [work.run_id])
            decided = _decided(locked, (work, result), now)
            if isinstance(decided, DecidedEnd):
                applying.apply(system, unit, [decided], best_effort=True)
            elif isinstance(decided, AwaitsReport):
                deferred.begin(system, [decided.run], now)
            recorded = recording.for_caller(decided)
    except Unavailable:
        raise
    except Exception as error:
        log.exception("record_impossible", run_id=str(work.run_id))
        raise DatabaseUnavailable("The end of an attempt cannot be recorded now; it is tried again.") from error
    recording.ring_where_limits_held(system, [recorded])
    return recorded


def _decided(locked: Locked, attempt: HandedIn, now: datetime) -> Decided:
    """Returns what follows from a result; if that cannot be decided, the run simply ends."""
    work, result = attempt
    try:
        holds = recording.holds_of_handed_back([attempt], locked)
        return recording.decide(locked, attempt, now, holds)
    except Unavailable:
        raise
    except Exception:
        log.exception("outcome_undecided", run_id=str(work.run_id))
        run = locked.runs.get(work.run_id)
        if run is None:
            raise
    job = locked.jobs[run.job_id]
    facts = run_endings.facts(run, job, work.polling_version)
    match result:
        case Succeeded(poll=poll):
            ending = attempt_endings.succeed(facts, None, now, result=None, note=NOT_KEPT)
            ends = JobState.COMPLETED if poll is None or poll.done else JobState.FAILED
            return run_endings.consequences(run, job, facts, replace(ending, job_ends=ends), now)
        case Failed(error):
            ending = attempt_endings.fail(facts, error, GIVE_UP, now, answer=None)
            return run_endings.consequences(run, job, facts, ending, now)
        case _:
            raise DatabaseUnavailable(f"The end of an attempt ({result}) cannot be recorded now; it is tried again.")
