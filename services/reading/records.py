"""One job or one run, with everything that belongs to it: frozen views, read in one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any
from uuid import UUID

from core.errors import NotFound
from core.instants import first_of
from core.principals import Principal
from core.schedules import Recurring
from core.states import Hold, Outcome, RunStatus, shown_status
from models import attempts, calls, database, job_logs, jobs, lists, run_lines, runs, signals
from models.hot import statuses
from models.job_logs import JobLog, LoggedAttempt, LoggedWait
from models.shown_runs import ShownRun
from services.reading import visibility
from services.reading.explaining import holds
from services.reading.explaining.holds import HoldView
from services.reading.failures import replays
from services.reading.failures.replays import ReplayView
from services.reading.views import (
    AttemptView,
    JobHead,
    JobView,
    JobWithLog,
    LineView,
    LogEntry,
    Occurrence,
    RunView,
    job_views,
    run_view,
    view_of,
)
from services.scheduling import stored_schedule
from services.task_types import request_masks

LOG_ENTRIES = 20
FEW_ATTEMPTS = 20
"""So many attempts and their calls are not too large together, however large each is."""


@dataclass(frozen=True)
class WholeRun:
    """A run, its attempts, its holds, its newest lines and the runs that replay it, each in order."""

    run: RunView
    attempts: list[AttemptView]
    holds: list[HoldView]
    lines: list[LineView]
    replays: list[ReplayView]


def job(principal: Principal, job_id: UUID) -> JobView:
    """Returns the job of this id. Raises `NotFound`."""
    return _shown(principal, job_id)


def jobs_by_ids(principal: Principal, job_ids: Sequence[UUID]) -> list[JobView]:
    """Returns those of these jobs that the principal may see and that are not deleted, in the order of the ids."""
    with database.reading():
        found = [view for view in job_views(job_ids) if visibility.sees(principal, view)]
    return [visibility.as_seen(principal, view) for view in found]


def job_with_log(principal: Principal, job_id: UUID) -> JobWithLog:
    """Returns a job with its newest 20 events. Raises `NotFound`."""
    found = statuses.of_job(job_id, LOG_ENTRIES, principal.account_id)
    if found is None or not visibility.sees(principal, found):
        raise NotFound("job", job_id)
    head = JobHead(
        job_id,
        found.task_type,
        stored_schedule.parse_or_log(found.schedule),
        shown_status(found.state, found.going),
        first_of(found.next_due, found.next_run_at),
        found.delayed_until,
        found.created_at,
    )
    return _with_log(head, found.log, retrying=RunStatus.RETRYING in found.going)


def with_log(principal: Principal, view: JobView) -> JobWithLog:
    """Returns a job that was read in the caller's transaction, with the newest 20 events that the principal may see."""
    found = statuses.of_job(view.id, LOG_ENTRIES, principal.account_id)
    log = JobLog((), ()) if found is None else found.log
    return _with_log(view, log, retrying=found is not None and RunStatus.RETRYING in found.going)


def log_of(principal: Principal, job_id: UUID) -> list[LogEntry]:
    """Returns the newest 20 events of a job that the principal may see."""
    return _log(job_logs.of_job(job_id, LOG_ENTRIES, principal.account_id))


def occurrences(principal: Principal, job_id: UUID, count: int) -> list[Occurrence]:
    """Returns a job's next occurrences, planned or not, each with nominal and due instant. Raises `NotFound`."""
    with database.reading():
        found = visibility.expected(principal, jobs.by_id(job_id), job_id)
        planned = [Occurrence(one.scheduled_for, one.due_at) for one in runs.pending(job_id, count)]
    schedule = stored_schedule.read(found.schedule)
    if found.next_run_at is None or not isinstance(schedule, Recurring):
        return planned
    later = schedule.starting_at(found.next_run_at)
    unplanned = (Occurrence(instant, schedule.due_at(job_id, instant)) for instant in later)
    left = None if schedule.max_runs is None else max(0, schedule.max_runs - found.runs_started)
    return list(islice(chain(planned, unplanned), count if left is None else min(count, left)))


def run(principal: Principal, run_id: UUID) -> tuple[RunView, list[AttemptView]]:
    """Returns a run and its attempts in order. Raises `NotFound`."""
    with database.reading():
        found = _seen_run(principal, run_id)
        return run_view(found), _attempts(found)


def whole_run(principal: Principal, run_id: UUID, most_lines: int) -> WholeRun:
    """Returns a run with everything that is shown, including the newest lines of its log. Raises `NotFound`."""
    with database.reading():
        found = _seen_run(principal, run_id)
        return WholeRun(
            run_view(found),
            _attempts(found),
            holds.read(principal, found),
            _lines(run_id, most_lines),
            replays.of_runs(principal, [run_id]).get(run_id, []),
        )


def beside(principal: Principal, run_id: UUID) -> tuple[UUID | None, UUID | None]:
    """Returns the runs of the same job that were made just before and just after a run. Raises `NotFound`."""
    with database.reading():
        return runs.beside(run_id, _seen_run(principal, run_id).job_id, principal.account_id)


def data_of_run(principal: Principal, run_id: UUID) -> Any:
    """Returns the data that a replay of a run gets, as shown: the run's own, else its job's. Raises `NotFound`."""
    with database.reading():
        found = _seen_run(principal, run_id)
        job_data = _shown(principal, found.job_id).data
        own = runs.data_of(run_id)  # which no list reads: it may be large
        return job_data if own is None else request_masks.masked_own(own)


def log_of_run(principal: Principal, run_id: UUID, limit: int) -> list[LineView]:
    """Returns the newest lines that a run's receivers logged or its command wrote, oldest first. Raises `NotFound`."""
    with database.reading():
        _seen_run(principal, run_id)
        return _lines(run_id, limit)


def signals_seen() -> dict[str, datetime]:
    """Returns when the beat and the tick were last seen. Raises `DatabaseUnavailable`."""
    with database.reading():
        return signals.seen()


def _attempts(run: ShownRun) -> list[AttemptView]:
    """Returns a run's attempts; if there are very many, the newest that fit on a page."""
    is_bounded = run.attempt_count > FEW_ATTEMPTS
    of_attempts = (calls.newest_of_run if is_bounded else calls.of_run)(run.id)
    found = (attempts.newest_of_run if is_bounded else attempts.of_run)(run.id)
    return [view_of(AttemptView, one, call=of_attempts.get(one.number)) for one in found]


def _lines(run_id: UUID, limit: int) -> list[LineView]:
    return [view_of(LineView, one) for one in run_lines.newest(run_id, limit)]


def _shown(principal: Principal, job_id: UUID) -> JobView:
    for view in job_views([job_id]):
        if visibility.sees(principal, view):
            return visibility.as_seen(principal, view)
    raise NotFound("job", job_id)


def _seen_run(principal: Principal, run_id: UUID) -> ShownRun:
    found = lists.run(run_id)
    if found is None or not visibility.sees_run(principal, found):
        raise NotFound("run", run_id)
    return found


def _with_log(job: JobHead | JobView, log: JobLog, *, retrying: bool) -> JobWithLog:
    rate_limited = any(run.held_by == Hold.RATE_LIMIT for run in log.waits)
    return JobWithLog(job, _log(log), retrying=retrying, rate_limited=rate_limited)


def _log(found: JobLog) -> list[LogEntry]:
    events = [entry for one in found.attempts for entry in _events(one)]
    # A stable sort, which keeps the order of events at the same instant.
    return sorted([*events, *map(_held, found.waits)], key=lambda entry: entry.created_at, reverse=True)[:LOG_ENTRIES]


def _held(run: LoggedWait) -> LogEntry:
    """A run's last hold by a limit, as an event."""
    waited_for = run.attempt_count + 1 if run.started_at is None else run.attempt_count
    return LogEntry("rate_limited", waited_for, None, {"wait_seconds": run.rate_wait_seconds}, run.rate_limited_at)


def _events(one: LoggedAttempt) -> list[LogEntry]:
    """Returns an attempt's events, the later one first. A hand-back at shutdown is no failure: the run continues."""
    started = LogEntry("execution_started", one.number, None, {}, one.started_at)
    if one.finished_at is None or one.outcome == Outcome.RELEASED:
        return [started]
    well = one.outcome == Outcome.SUCCEEDED
    metadata: dict[str, Any] = {"status_code": one.status_code}
    if not well:
        metadata["message"] = one.error_message
    name = "execution_completed" if well else "execution_failed"
    return [LogEntry(name, one.number, one.error_type, metadata, one.finished_at), started]
