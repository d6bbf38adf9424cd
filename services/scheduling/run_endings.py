"""What follows for a run and its job when an attempt has ended: decided one by one, carried out together.

The deciding functions only say what follows. `carry_out` writes it, one statement for all that is alike; the jobs are
locked by the caller, in its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from core import schedules, storable
from core.alerting import Event
from core.errors import AttemptError
from core.receiver_answers import PollAnswer
from core.retry import RetryDecision
from core.states import ENDED, Hold, JobState, Outcome, RunStatus
from models import attempts, claims, database, jobs, pauses, runs
from models.tables import Job, Run
from services.alerts import noting
from services.scheduling import polls
from services.scheduling.polls import Polled

ANSWER_KEPT = 64 * 1024
LONGEST_RESULT = 64 * 1024  # as JSON
MESSAGE_KEPT = 2_000
TOO_LATE = "deadline"
JOB_ENDED = "job ended"
GONE = 410  # the receiver wants no more calls: the job is paused too

_LOST = "The worker died or lost its lease before it could record what happened."
_LOST_FOR_GOOD = "{losses} workers in turn died or lost their lease while running this; it is not tried again."
_CANCELLED = {"error_type": "cancelled", "error_message": "Cancelled while it ran."}


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
    attempt: Mapping[str, Any]
    changes: Mapping[str, Any]
    retry_at: datetime | None = None
    job_ends: JobState | None = None  # how the job ends, if this run was the last of it
    job_pauses: bool = False
    polled: Polled | None = None

    @property
    def job_comes_back(self) -> bool:
        """Whether other runs of the job may wait for this one to end."""
        return self.job.schedule_kind in schedules.RECURRING_KINDS

    @property
    def event(self) -> Event:
        """What it says of how the job is doing: runs count of one that comes back, attempts of all others."""
        failed = self.changes["status"] if self.job_comes_back else self.attempt["outcome"]
        well = True if self.attempt["outcome"] == Outcome.SUCCEEDED else False if failed == Outcome.FAILED else None
        missed = self.run.deadline_missed_at is not None or "deadline_missed_at" in self.changes
        late = missed or self.run.late_at is not None
        return Event(well, late=late, words=self.changes.get("error_message"))

    @property
    def settled(self) -> Settled:
        """What the caller is told of it."""
        following = None if self.polled is None else self.polled.following
        return Settled(RunStatus(self.changes["status"]), self.retry_at, following)


def succeed(
    run: Run,
    job: Job,
    poll: PollAnswer | None,
    polling_version: int,
    now: datetime,
    *,
    result: Any,
    note: str | None = None,
    **details: Any,
) -> Settlement:
    """End a run well, and its job if this was the last of it; a poll that is not done is followed by the next.

    `note` says what of the outcome could not be kept.
    """
    changes = _ended(run, RunStatus.COMPLETED, now) | {"error_type": None, "error_message": None, "reason": None}
    changes["result"] = result
    if note is not None:
        changes["message"] = note
    if poll is not None:
        changes |= {"progress": poll.progress, "message": note or poll.message}
    polled = None if poll is None else polls.after(run, job, poll, polling_version, now)
    return Settlement(
        run,
        job,
        attempt=_closed(Outcome.SUCCEEDED, now, **details),
        changes=changes,
        job_ends=polls.end_of_job(polled),
        polled=polled,
    )


def fail(
    run: Run,
    job: Job,
    error: AttemptError,
    decision: RetryDecision,
    now: datetime,
    *,
    answer: str | None,
    result: Any = None,
) -> Settlement:
    """Record a failed attempt, and try the run again later or end it, as was decided."""
    fault = {
        "error_type": "permanent" if error.permanent else "transient",
        "error_message": storable.text(error.message, MESSAGE_KEPT),
    }
    return _again_or_end(
        run,
        job,
        decision,
        now,
        attempt=_closed(Outcome.FAILED, now, **fault, status_code=error.status_code, answer=answer),
        changes={"failure_count": run.failure_count + 1, "result": result, **fault},
        job_pauses=error.status_code == GONE and job.state == JobState.ACTIVE,
    )


def lose(run: Run, job: Job, decision: RetryDecision, now: datetime) -> Settlement:
    """Record that a run's worker died or lost its lease, and try the run again or end it."""
    losses = run.loss_count + 1
    message = _LOST if decision.wait_seconds is not None else _LOST_FOR_GOOD.format(losses=losses)
    return _again_or_end(
        run,
        job,
        decision,
        now,
        attempt=_closed(Outcome.LOST, now, error_type="lost", error_message=_LOST),
        changes={"loss_count": losses, "fence": run.fence + 1, "error_type": "lost", "error_message": message},
    )


def release(run: Run, job: Job, now: datetime) -> Settlement:
    """Hand a run back at shutdown: due again at once, held if its job is paused; nothing is counted against it."""
    attempt = _closed(Outcome.RELEASED, now)
    if job.state in ENDED:
        gone = _ended(run, RunStatus.CANCELLED, now) | {"reason": JOB_ENDED}
        return Settlement(run, job, attempt=attempt, changes=gone)
    if _is_too_late(run):
        return Settlement(run, job, attempt=attempt, changes=_dropped(run, now), job_ends=JobState.FAILED)
    held_by = Hold.PAUSED if pauses.paused([job]) else None
    return Settlement(run, job, attempt=attempt, changes={"status": RunStatus.QUEUED, "held_by": held_by})


def cancel(run: Run, job: Job, outcome: Outcome, now: datetime) -> Settlement:
    """End a running run that someone cancelled."""
    return Settlement(
        run,
        job,
        attempt=_closed(outcome, now, **_CANCELLED),
        changes=_ended(run, RunStatus.CANCELLED, now) | {"fence": run.fence + 1, **_CANCELLED},
        job_ends=JobState.CANCELLED,
    )


def carry_out(settlements: Sequence[Settlement], now: datetime, *, carefully: bool = False) -> None:
    """Write what was decided. `carefully` goes on after a part that cannot be written, but for the end of the runs."""
    end_of_runs, *consequences = _parts(settlements, now)
    end_of_runs()
    failed = [part for part in consequences if not _written(part, carefully=carefully)]
    if failed:  # a job of which nothing is left to run has ended, whatever became of its next run
        over = [(one.job, one.job_ends or JobState.FAILED) for one in settlements]
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
    following = [poll for one in settlements if (poll := one.settled.next_poll) is not None]
    ends = {one.job.id: (one.job, one.job_ends) for one in settlements if one.job_ends is not None}
    return [
        lambda: claims.leave_running((one.run.id, one.changes) for one in settlements),
        lambda: attempts.close((one.run.id, one.attempt) for one in settlements),
        lambda: _follow_polls(settlements, now),
        lambda: _pause(settlements, now),
        lambda: noting.note(((one.job, one.event) for one in settlements), now),
        lambda: runs.insert(following),
        lambda: end_if_over(ends.values(), now),
    ]


def _follow_polls(settlements: Sequence[Settlement], now: datetime) -> None:
    """Move polling states on; one that was put in its place meanwhile stays, and polling goes on from that."""
    polled = [(one.job, one.polled) for one in settlements if one.polled is not None]
    jobs.count_polls(job for job, _ in polled)
    newest: dict[UUID, tuple[Job, dict[str, Any]]] = {}  # of two answers to the same version the first counts
    for job, poll in polled:
        if poll.from_version == job.polling_version:
            newest.setdefault(job.id, (job, poll.state))
    jobs.set_polling_states(list(newest.values()), now)
    jobs.explain_ends({job.id: poll.stopped for job, poll in polled if poll.stopped is not None})


def _pause(settlements: Sequence[Settlement], now: datetime) -> None:
    paused = [one.job for one in settlements if one.job_pauses]
    if paused:
        runs.hold(paused, Hold.PAUSED)
        jobs.set_state(paused, JobState.PAUSED, now)


def end_schedules(spent: Collection[Job], now: datetime) -> None:
    """Plan nothing more for these jobs, which come back; each ends with its last run."""
    if not spent:
        return
    runs.delete_pending(spent)
    for job in spent:
        job.next_run_at = None
    jobs.set_next_runs(spent)
    end_if_over([(job, JobState.COMPLETED) for job in spent], now)


def end_if_over(candidates: Iterable[tuple[Job, JobState]], now: datetime) -> None:
    """End those of these jobs that have nothing left to run, one that comes back `completed`, others as given."""
    over = [(job, state) for job, state in candidates if job.state not in ENDED and job.next_run_at is None]
    live = jobs.with_live_run([job.id for job, _ in over])
    ends: dict[JobState, list[Job]] = {}
    for job, state in over:
        if job.id not in live:
            comes_back = job.schedule_kind in schedules.RECURRING_KINDS
            ends.setdefault(JobState.COMPLETED if comes_back else state, []).append(job)
    for state, ended in ends.items():
        jobs.end(ended, state, now)


def _again_or_end(run: Run, job: Job, decision: RetryDecision, now: datetime, **parts: Any) -> Settlement:
    changes = parts.pop("changes")
    if decision.wait_seconds is None or run.cancel_requested_at is not None:
        cancelled = run.cancel_requested_at is not None
        status = RunStatus.CANCELLED if cancelled else RunStatus.FAILED
        job_ends = JobState.CANCELLED if cancelled else JobState.FAILED
        return Settlement(run, job, changes=_ended(run, status, now) | changes, job_ends=job_ends, **parts)
    if _is_too_late(run):
        return Settlement(run, job, changes=_dropped(run, now) | changes, job_ends=JobState.FAILED, **parts)
    retry_at = now + timedelta(seconds=decision.wait_seconds)
    again = {"status": RunStatus.RETRYING, "due_at": retry_at, **changes}
    return Settlement(run, job, changes=again, retry_at=retry_at, **parts)


def _is_too_late(run: Run) -> bool:
    """Whether a run expired while it ran: no worker may claim it again, and its deadline is recorded already."""
    return run.expire and run.deadline_missed_at is not None


def _dropped(run: Run, now: datetime) -> dict[str, Any]:
    return _ended(run, RunStatus.FAILED, now) | {"reason": TOO_LATE}


def _ended(run: Run, status: RunStatus, now: datetime) -> dict[str, Any]:
    ended = {"status": status, "finished_at": now}
    in_time = run.deadline_at is None or now <= run.deadline_at or run.deadline_missed_at is not None
    return ended if in_time else {**ended, "deadline_missed_at": now}


def _closed(outcome: Outcome, now: datetime, **details: Any) -> dict[str, Any]:
    return {"outcome": outcome, "finished_at": now, **details}
