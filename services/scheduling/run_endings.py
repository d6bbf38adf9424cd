"""Apply what follows for runs and their jobs when attempts have ended: decided one by one, carried out together.

`facts` loads what decides, `core.attempt_endings` decides, `carry_out` writes it, one statement for all rows that
change the same columns. The jobs are locked by the caller, in its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core import attempt_endings, schedules
from core.alerting import Event
from core.attempt_endings import Ending, Facts
from core.polls import PollingFacts
from core.states import ENDED, Hold, JobState, RunStatus, Trigger
from models import attempts, claims, database, jobs, runs
from models.tables import Job, Run
from services.alerts import noting
from services.scheduling import stored_schedule

ANSWER_KEPT = 64 * 1024
LONGEST_RESULT = 64 * 1024  # as JSON

Part = Callable[[], object]
log = structlog.get_logger()


@dataclass(frozen=True)
class Settled:
    """What a caller is told: the run's new status, when it is tried again, and the poll that follows it."""

    status: RunStatus
    retry_at: datetime | None = None
    next_poll: dict[str, Any] | None = None


@dataclass(frozen=True)
class Settlement:
    """What follows from the end of one attempt, for the rows of its run and its job."""

    run: Run
    job: Job
    ending: Ending
    event: Event
    next_poll: dict[str, Any] | None = None

    @property
    def job_comes_back(self) -> bool:
        """Whether other runs of the job may wait for this one to end."""
        return _comes_back(self.job)

    @property
    def settled(self) -> Settled:
        """Returns the outcome as the caller is told it."""
        return Settled(RunStatus(self.ending.changes["status"]), self.ending.retry_at, self.next_poll)


def facts(run: Run, job: Job) -> Facts:
    """What decides about the end of an attempt at a locked run of a locked job."""
    return Facts(
        run_id=run.id,
        scheduled_for=run.scheduled_for,
        failure_count=run.failure_count,
        loss_count=run.loss_count,
        fence=run.fence,
        expire=run.expire,
        deadline_at=run.deadline_at,
        deadline_missed_at=run.deadline_missed_at,
        late_at=run.late_at,
        cancel_requested_at=run.cancel_requested_at,
        job_state=job.state,
        job_comes_back=_comes_back(job),
        polling=_polling(job),
    )


def settle(run: Run, job: Job, ending: Ending, now: datetime) -> Settlement:
    """The rows that follow from a decision; nothing is written yet."""
    next_at = None if ending.polled is None else ending.polled.next_at
    next_poll = None if next_at is None else runs.draft(job, Trigger.POLL, next_at, now, status=RunStatus.PENDING)
    return Settlement(run, job, ending, attempt_endings.event(facts(run, job), ending), next_poll)


def carry_out(settlements: Sequence[Settlement], now: datetime, *, carefully: bool = False) -> None:
    """Write what was decided. `carefully` goes on after a part that cannot be written, but for the end of the runs."""
    end_of_runs, *consequences = _parts(settlements, now)
    end_of_runs()
    failed = [part for part in consequences if not _written(part, carefully=carefully)]
    if failed:  # a job of which nothing is left to run has ended, whatever became of its next run
        over = [(one.job, one.ending.job_ends or JobState.FAILED) for one in settlements]
        _written(lambda: end_if_over(over, now), carefully=True)


def _written(part: Part, *, carefully: bool) -> bool:
    if not carefully:
        part()
        return True
    error = database.attempt(part)
    if error is not None:
        log.error("outcome_recorded_in_part", exc_info=error)
    return error is None


def _parts(settlements: Sequence[Settlement], now: datetime) -> list[Part]:
    """What is to be written, in this order: the end of the runs, and all that follows from it."""
    following = [one.next_poll for one in settlements if one.next_poll is not None]
    ends = {one.job.id: (one.job, end) for one in settlements if (end := one.ending.job_ends) is not None}
    return [
        lambda: claims.leave_running((one.run.id, one.ending.changes) for one in settlements),
        lambda: attempts.close((one.run.id, one.ending.attempt) for one in settlements),
        lambda: _follow_polls(settlements, now),
        lambda: _pause(settlements, now),
        lambda: noting.note(((one.job, one.event) for one in settlements), now),
        lambda: runs.insert(following),
        lambda: end_if_over(ends.values(), now),
    ]


def _follow_polls(settlements: Sequence[Settlement], now: datetime) -> None:
    """Move polling states on; one that was put in its place meanwhile stays, and polling goes on from that."""
    polled = [(one.job, one.ending.polled) for one in settlements if one.ending.polled is not None]
    jobs.count_polls(job for job, _ in polled)
    newest: dict[UUID, tuple[Job, dict[str, Any] | None]] = {}  # of two answers to the same version the first counts
    for job, poll in polled:
        if poll.from_version == job.polling_version:
            newest.setdefault(job.id, (job, poll.state))
    jobs.set_polling_states(list(newest.values()), now)
    jobs.explain_ends({job.id: poll.stopped for job, poll in polled if poll.stopped is not None})


def _pause(settlements: Sequence[Settlement], now: datetime) -> None:
    paused = [one.job for one in settlements if one.ending.job_pauses]
    if paused:
        runs.hold(paused, Hold.PAUSED)
        jobs.set_state(paused, JobState.PAUSED, now)


def end_schedules(spent: Collection[Job], now: datetime) -> None:
    """Plan nothing more for these jobs, which come back; each ends with its last run."""
    if not spent:
        return
    runs.delete_pending(spent)
    jobs.set_next_runs([(job, None) for job in spent])
    end_if_over([(job, JobState.COMPLETED) for job in spent], now)


def end_if_over(candidates: Iterable[tuple[Job, JobState]], now: datetime) -> None:
    """End those of these jobs that have nothing left to run, one that comes back `completed`, others as given."""
    over = [(job, state) for job, state in candidates if job.state not in ENDED and job.next_run_at is None]
    live = jobs.with_live_run([job.id for job, _ in over])
    ends: dict[UUID, tuple[Job, JobState]] = {}  # of two ends of a job the first counts
    for job, state in over:
        if job.id not in live:
            ends.setdefault(job.id, (job, JobState.COMPLETED if _comes_back(job) else state))
    jobs.end(ends.values(), now)


def _comes_back(job: Job) -> bool:
    return job.schedule_kind in schedules.RECURRING_KINDS


def _polling(job: Job) -> PollingFacts:
    try:
        schedule = stored_schedule.read(job.schedule)
    except stored_schedule.UNREADABLE:
        schedule = None
    since = job.reopened_at or job.created_at
    return PollingFacts(schedule, job.polling_state, job.polling_version, job.polls, since)
