"""Accept reports: a receiver that answered 202 reports that it is still working, has finished, or has failed.

A report is valid from the moment the callback is sent: if it comes before the 202, the report counts. The token that
was sent with the callback identifies the attempt. The report that ended an attempt may be sent again and gets the
same answer; any other report about an attempt that has ended is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from core import attempt_endings, fingerprints
from core.attempt_endings import Ending, Facts
from core.errors import AttemptError, CarillonError, Conflict, FieldError, InvalidInput, WrongToken
from core.receiver_answers import PollAnswer
from core.states import Outcome
from core.token_hashes import hashed
from models import attempts, database, run_lines, runs
from models import deferred as deferred_rows
from models.hot import endings
from models.hot.rows import EndingJob, EndingRun
from models.pauses import Gate
from models.tables import AnyAttempt
from services.execution import applying, deferred
from services.messaging.unit_of_work import UnitOfWork
from services.scheduling import run_endings
from services.scheduling.run_endings import DecidedEnd
from services.system import System

log = structlog.get_logger()
LINES_KEPT = 1_000
CHARACTERS_KEPT = 256 * 1024
_NO_POLL = "is for a job that polls; the job of this run does not, leave it out."
Decide = Callable[[Facts, EndingRun, EndingJob, datetime], Ending]


@dataclass(frozen=True)
class Sender:
    """The sender of a report, identified by the run in the path and the token that was sent with the callback."""

    run_id: UUID
    token: str


@dataclass(frozen=True)
class ReportLease:
    """The renewed lease of a run: the receiver must report again before it expires."""

    run_id: UUID
    attempt: int
    lease_expires_at: datetime


@dataclass(frozen=True)
class Logged:
    """How many lines a run keeps, now that more were logged."""

    run_id: UUID
    attempt: int
    lines: int


@dataclass(frozen=True)
class ReportedEnd:
    """How an attempt ended according to its receiver's report."""

    run_id: UUID
    attempt: int
    outcome: Outcome
    finished_at: datetime


def expect_known(sender: Sender) -> Sender:
    """Returns the sender of a report. Raises `WrongToken`.

    Called before a report is parsed and before any lock, so that guessed tokens cost neither.
    """
    with database.reading():
        _recognised(sender)
    return sender


def heartbeat(
    system: System, sender: Sender, seconds: float | None, changes: Mapping[str, Any] | None = None
) -> ReportLease:
    """Renew the lease of a run by `seconds`, else by the usual length, but not past `reports_until`.

    No report renews it for longer than MAX_REPORT_LEASE_SECONDS, or the usual length if that is longer: a run that
    waits keeps its place within limits, and may be waited for in vain no longer than that.

    `changes` has the run's new progress and message, if the receiver sent them.

    Raises `WrongToken`, or `Conflict` when the attempt has ended.
    """
    usual = system.settings.report_lease_seconds
    longest = max(usual, system.settings.max_report_lease_seconds)
    until = system.clock.now() + timedelta(seconds=min(seconds or usual, longest))
    with system.transaction(Gate.UNUSED):
        run = runs.lock_one(sender.run_id)
        attempt = _recognised(sender)
        if run is None or attempt.finished_at is not None:
            raise _too_late(attempt)
        until = until if run.reports_until is None else min(until, run.reports_until)
        deferred_rows.keep_lease(run, until)
        if changes:
            deferred_rows.store_progress(run, changes)
        return ReportLease(sender.run_id, attempt.number, until)


def log_lines(system: System, sender: Sender, lines: Sequence[str]) -> Logged:
    """Add lines to the log of a run, which keeps the newest within two bounds; this does not renew the lease.

    Raises as `heartbeat` does.
    """
    with system.transaction(Gate.UNUSED) as unit:
        run = runs.lock_one(sender.run_id)
        attempt = _recognised(sender)
        if run is None or attempt.finished_at is not None:
            raise _too_late(attempt)
        kept = run_lines.add(run.id, attempt.number, lines, unit.now, most=LINES_KEPT, characters=CHARACTERS_KEPT)
        return Logged(sender.run_id, attempt.number, kept)


def complete(system: System, sender: Sender, result: Any, poll: PollAnswer | None) -> ReportedEnd:
    """Complete a run successfully; `poll` is the answer to its poll, if its job polls.

    Raises `WrongToken`, `InvalidInput` for an answer to a poll where the job does not poll, or `Conflict` when the
    attempt has ended otherwise.
    """

    def decide(facts: Facts, _run: EndingRun, job: EndingJob, now: datetime) -> Ending:
        return attempt_endings.succeed(facts, _poll_answer(job, poll), now, result=result)

    return _end(system, sender, _fingerprint_of_completion(result, poll), decide)


def fail(system: System, sender: Sender, error: AttemptError) -> ReportedEnd:
    """Fail the attempt at a run; it is retried as if the callback itself had failed like this.

    Raises `WrongToken`, or `Conflict` when the attempt has ended otherwise.
    """

    def decide(facts: Facts, run: EndingRun, _job: EndingJob, now: datetime) -> Ending:
        policy = deferred.policies(system, [run])[run.id]
        return deferred.fail(facts, policy, error, now)

    content = [error.message, error.permanent, error.retry_after_seconds]
    return _end(system, sender, fingerprints.of(["fail", content]), decide)


def _fingerprint_of_completion(result: Any, poll: PollAnswer | None) -> str:
    """Returns what tells this report from another; one without a pace has that which the previous release stored."""
    content: list[Any] = ["complete", [result, poll and poll.polling_state, poll and poll.done]]
    pace = [] if poll is None else [poll.next_in_seconds, poll.progress, poll.message]
    return fingerprints.of([*content, pace] if any(one is not None for one in pace) else content)


def _end(system: System, sender: Sender, fingerprint: str, decide: Decide) -> ReportedEnd:
    """End an attempt as its receiver reports; if the outcome cannot be stored whole, store as much as possible."""
    try:
        return _ended(system, sender, fingerprint, decide)
    except CarillonError:
        raise
    except Exception:
        log.exception("report_failed", run_id=str(sender.run_id))
    return _ended(system, sender, fingerprint, decide, best_effort=True)


def _ended(
    system: System, sender: Sender, fingerprint: str, decide: Decide, *, best_effort: bool = False
) -> ReportedEnd:
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        locked = endings.lock(runs.job_ids([sender.run_id]), [sender.run_id])
        run = locked.runs.get(sender.run_id)
        attempt = _recognised(sender)
        if run is None or attempt.finished_at is not None:
            return _the_same_again(attempt, fingerprint)
        job = locked.jobs[run.job_id]
        facts = run_endings.facts(run, job, attempt.polling_version)
        end = run_endings.consequences(run, job, facts, decide(facts, run, job, now), now)
        applying.apply(system, unit, [end], best_effort=best_effort)
        attempts.keep_report(attempt, fingerprint)
        _ring_for_retry(system, unit, end)
    return ReportedEnd(sender.run_id, attempt.number, end.ending.attempt["outcome"], now)


def _ring_for_retry(system: System, unit: UnitOfWork, end: DecidedEnd) -> None:
    """Ring for a retry within the window: no worker does. The coordinator rings for later ones."""
    run, retry_at = end.run, end.ending.retry_at
    if retry_at is not None:
        unit.ring_at(run.id, run.queue, retry_at, timedelta(seconds=system.settings.window_seconds))


def _recognised(sender: Sender) -> AnyAttempt:
    """Returns the attempt a token is for. Raises `WrongToken` also for unknown runs, not to reveal which exist."""
    attempt = attempts.by_token(sender.run_id, hashed(sender.token))
    if attempt is None:
        raise WrongToken
    return attempt


def _the_same_again(attempt: AnyAttempt, fingerprint: str) -> ReportedEnd:
    if attempt.report != fingerprint:
        raise _too_late(attempt)
    return ReportedEnd(attempt.run_id, attempt.number, attempt.outcome, attempt.finished_at)


def _too_late(attempt: AnyAttempt) -> Conflict:
    return Conflict(
        f"Attempt {attempt.number} at the run {attempt.run_id} has ended ({attempt.outcome}), so this report changes "
        "nothing; stop working on it."
    )


def _poll_answer(job: EndingJob, poll: PollAnswer | None) -> PollAnswer | None:
    if job.polling_state is None:
        if poll is not None:
            raise InvalidInput(*(FieldError(name, _NO_POLL) for name in _given(poll)))
        return None
    return poll or PollAnswer(None, done=False, next_in_seconds=None, progress=None, message=None)


def _given(poll: PollAnswer) -> list[str]:
    """Returns the members that an answer to a poll has; `done` if it says no more than that it is not done."""
    values = {one.name: getattr(poll, one.name) for one in fields(poll)}
    return [name for name, value in values.items() if value is not None and value is not False] or ["done"]
