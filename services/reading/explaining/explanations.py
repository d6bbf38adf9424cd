"""Explains in words why a run did or did not happen, for a job and an instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from core.attempt_endings import TOO_LATE
from core.instants import shown
from core.occurrences import MISSED_AFTER
from core.principals import Principal
from core.retry import LAST_LOSSES
from core.schedules import Recurring
from core.states import ENDED, KEYED_HOLDS, Hold, RunStatus
from models import database, history, jobs
from models.tables import Job, Run
from services.reading import visibility
from services.reading.explaining import hold_words, holds, limit_words
from services.reading.occurrences import backfill_words
from services.reading.pauses import past_pauses, pause_words, pauses_in_force
from services.scheduling import due_runs, stored_schedule
from services.system import System

_WITHIN = timedelta(seconds=1)  # requested instants have whole seconds
_LOOK_BACK = (timedelta(hours=2), timedelta(days=8), timedelta(days=400), timedelta(days=3_000))
_MAX_LOOKED_THROUGH = 10_000
_OF_ANOTHER = "The job was another account's at that instant."


@dataclass(frozen=True)
class Explanation:
    """The answer, the run it is about, and the occurrences before and after an instant that is not one itself.

    `blocked_by` is the run of the same job because of which the occurrence was skipped, `backfilled_by` the newest run
    that a backfill made for it.
    """

    at: datetime
    answer: str
    run_id: UUID | None = None
    run_status: RunStatus | None = None
    previous: datetime | None = None
    next: datetime | None = None
    blocked_by: UUID | None = None
    backfilled_by: UUID | None = None


def explain(principal: Principal, system: System, job_id: UUID, at: datetime) -> Explanation:
    """Returns why a job did or did not run at an instant. Raises `NotFound`."""
    with database.reading():
        job = visibility.expected(principal, jobs.by_id(job_id), job_id)
        run = history.run_of(job_id, at, _WITHIN, principal.account_id)
        if run is not None:
            other = _blocker(run)
            found = _of_occurrence(principal, system, run, job, at, run.scheduled_for)
            return replace(found, blocked_by=None if other is None else other.id)
        former = history.definition_at(job_id, at)
        if former is not None and not principal.sees_runs_of(former["account_id"]):
            return Explanation(at, _OF_ANOTHER)
        schedule = stored_schedule.read(job.schedule if former is None else former["schedule"])
        if not isinstance(schedule, Recurring):
            answer = f"No run of this job was for that instant. Its schedule: {schedule.describe()}."
            before, after = history.runs_around(job_id, at, principal.account_id)
            return Explanation(at, answer, previous=before, next=after)
        return _of_instant(principal, system, job, schedule, at)


def _of_instant(principal: Principal, system: System, job: Job, schedule: Recurring, at: datetime) -> Explanation:
    """Explain an instant for which there is no row of its own."""
    named = next(schedule.starting_at(at), None)
    if named is None or named >= at + _WITHIN:
        answer = f"The schedule names no occurrence at that instant: {_reason_for_none(schedule, at)}."
        return Explanation(at, answer, previous=_last_before(schedule, at), next=schedule.next_after(at))
    gap = history.gap_before(job.id, at, principal.account_id)
    if gap is not None and named in _instants(schedule, gap):
        return _of_occurrence(principal, system, gap, job, at, named)
    return Explanation(at, _of_no_row(job, named, system.clock.now()))


def _reason_for_none(schedule: Recurring, at: datetime) -> str:
    if schedule.starts_at is not None and at < schedule.starts_at:
        return f"it begins at starts_at={shown(schedule.starts_at)}"
    if schedule.ends_at is not None and at >= schedule.ends_at:
        return f"it ended at ends_at={shown(schedule.ends_at)}"
    return schedule.describe()


def _of_no_row(job: Job, at: datetime, now: datetime) -> str:
    """Explain an occurrence for which there is no row at all."""
    if at <= job.created_at:
        return f"It did not run: the job was accepted at {shown(job.created_at)}, and nothing before that is caught up."
    if job.state in ENDED and at >= job.finished_at:
        return f"It did not run: the job ended ({job.state}) at {shown(job.finished_at)}."
    if job.next_run_at is None:
        return "It does not run: the schedule has had its max_runs, or was changed."
    if at > now:
        return "It has not come yet; its run is created a few minutes ahead."
    if at >= job.next_run_at:
        return f"It has passed but is not planned yet: {_reason_for_no_plan(job)} catch_up decides whether it runs."
    return "There is no row of it any more: the schedule was changed before it came, or its history has been pruned."


def _reason_for_no_plan(job: Job) -> str:
    if job.put_off_until is None:
        return "no coordinator has run since; once one does,"
    return (
        "its row could not be made, the log of the coordinator says why (plan_refused, schedule_unreadable). "
        f"It is tried again at {shown(job.put_off_until)}; then"
    )


def _instants(schedule: Recurring, gap: Run) -> set[datetime]:
    """The occurrences that a row represents."""
    count = min(gap.occurrences, _MAX_LOOKED_THROUGH)
    return set(islice(schedule.starting_at(gap.scheduled_for), count))


def _last_before(schedule: Recurring, at: datetime) -> datetime | None:
    """The last occurrence before an instant, if it can be found by looking back a little, then further."""
    for span in _LOOK_BACK:
        last = None
        for instant in islice(schedule.upcoming(at - span), _MAX_LOOKED_THROUGH):
            if instant >= at:
                break
            last = instant
        if last is not None:
            return last
    return None


def _of_occurrence(  # noqa: PLR0917  the row may stand for others than the one asked about
    principal: Principal, system: System, run: Run, job: Job, at: datetime, occurrence: datetime
) -> Explanation:
    """Explain an occurrence by its row, and by the run of a backfill that made up for it."""
    other = backfill_words.by(principal, run, occurrence)
    answer = f"{_of_run(principal, system, run, job)}{backfill_words.in_words(run, other)}"
    return Explanation(at, answer, run.id, run.status, backfilled_by=None if other is None else other.id)


def _of_run(principal: Principal, system: System, run: Run, job: Job) -> str:
    before = hold_words.of_past(holds.read(principal, run))
    if run.held_by == Hold.PAUSED and (held := pauses_in_force.of_job(principal, job.id)):
        return f"{_since(run)} and held: {pause_words.of_held(held)}.{before}"
    if run.status == RunStatus.SKIPPED and run.reason == due_runs.PAUSED:
        return f"{_skipped_by_pause(principal, run, job)}{before}"
    if run.held_by in KEYED_HOLDS:
        return f"It is due since {shown(run.due_at)} and {limit_words.of_held(principal, system, run)}{before}"
    if (
        run.status == RunStatus.QUEUED
        and run.held_by is None
        and (full := limit_words.of_installation(principal, system))
    ):
        return f"{_since(run)} and {full}{before}"
    return f"{_IN_WORDS[RunStatus(run.status)](run, job)}{before}"


def _skipped_by_pause(principal: Principal, run: Run, job: Job) -> str:
    found = past_pauses.up_to(principal, job, run.finished_at).at(run.finished_at)
    if not found:  # the job was created paused, or the record of the pause is pruned
        return "It was skipped: the job, its app or everything was paused when it came."
    return f"It was skipped: when it came, {pause_words.of_skipped(found)}."


def _pending(run: Run, _job: Job) -> str:
    return f"It has not come yet: it is due at {shown(run.due_at)}."


def _since(run: Run) -> str:
    what = "It is" if run.attempt_count == 0 else "Its next try is"
    return f"{what} due since {shown(run.due_at)}"


def _queued(run: Run, _job: Job) -> str:
    since = _since(run)
    match run.held_by:
        case Hold.PAUSED:
            return f"{since} and held by a pause that is over: it is about to be released."
        case Hold.RESTORED:
            return (
                f"{since} and held: the database was taken back to an earlier state, so it may have run before. "
                "An administrator releases it (carillon restore)."
            )
        case Hold.OVERLAP:
            return f"{since} and waits for its turn: another run of the job is still going."
        case _:
            return f"{since} and waits for a free worker (priority {run.priority}, in which accounts take turns)."


def _running(run: Run, _job: Job) -> str:
    asked = " It was asked to stop." if run.cancel_requested_at is not None else ""
    if run.reports_until is not None:
        asked = f" Its receiver answered 202, and is to report by {shown(run.lease_expires_at)}."
    return f"It is running: attempt {run.attempt_count}; the first began at {shown(run.started_at)}.{asked}"


def _retrying(run: Run, _job: Job) -> str:
    failed = f"Attempt {run.attempt_count} failed ({run.error_message}); it is tried again at {shown(run.due_at)}."
    if run.loss_count < LAST_LOSSES:
        return failed
    return f"{failed} {run.loss_count} workers were lost with it, so a process executes no other such run beside it."


def _completed(run: Run, _job: Job) -> str:
    return f"It ran: begun at {shown(run.started_at)}, completed at {shown(run.finished_at)}, {_attempts(run)}."


def _failed(run: Run, _job: Job) -> str:
    if run.reason == TOO_LATE:
        return f"It failed: its deadline {shown(run.deadline_at)} passed after {_attempts(run)}, and it expires."
    words = run.error_message if run.reason is None else f"{run.error_message} It gave up: {run.reason}."
    return f"It ran and failed for good at {shown(run.finished_at)}, after {_attempts(run)}: {words}"


def _cancelled(run: Run, _job: Job) -> str:
    begun = "It was stopped while it ran" if run.started_at is not None else "It never ran"
    return f"{begun}: cancelled at {shown(run.finished_at)} ({run.reason or 'on request'})."


def _skipped(run: Run, job: Job) -> str:
    other = _blocker(run)
    which = "another run of the job" if other is None else f"the run {other.id}, for {shown(other.scheduled_for)},"
    return f"It was skipped: {which} was still going when it came (overlap: {job.overlap})."


def _blocker(run: Run) -> Run | None:
    """Returns the run that was still going when an occurrence was skipped because of it."""
    if run.status != RunStatus.SKIPPED or run.reason == due_runs.PAUSED:
        return None
    other = history.going_at(run.job_id, run.finished_at, run.id)
    of_same_account = other is not None and other.account_id == run.account_id  # the job may have moved meanwhile
    return other if of_same_account else None


def _missed(run: Run, job: Job) -> str:
    if run.reason == TOO_LATE:
        return f"It never ran: its deadline {shown(run.deadline_at)} passed while it waited, and it expires."
    several = f" So were {run.occurrences - 1} after it." if run.occurrences > 1 else ""
    return (
        f"It was missed: its row was made at {shown(run.created_at)}, more than {MISSED_AFTER.total_seconds():g} s "
        f"late, since no coordinator was at work before ({run.reason}; catch_up: {job.catch_up}).{several}"
    )


def _attempts(run: Run) -> str:
    return "1 attempt" if run.attempt_count == 1 else f"{run.attempt_count} attempts"


_IN_WORDS: dict[RunStatus, Callable[[Run, Job], str]] = {
    RunStatus.PENDING: _pending,
    RunStatus.QUEUED: _queued,
    RunStatus.RUNNING: _running,
    RunStatus.RETRYING: _retrying,
    RunStatus.COMPLETED: _completed,
    RunStatus.FAILED: _failed,
    RunStatus.CANCELLED: _cancelled,
    RunStatus.SKIPPED: _skipped,
    RunStatus.MISSED: _missed,
}
