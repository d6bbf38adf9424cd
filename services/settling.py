"""What follows for a run and its job when an attempt has ended. Called with the job locked, inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import schedules
from core.answers import PollAnswer
from core.errors import AttemptError
from core.retry import RetryDecision
from core.states import ENDED, JobState, Outcome, RunStatus, Trigger
from models import attempts, jobs, runs
from models.tables import Job, Run
from services import specifications

ANSWER_KEPT = 64 * 1024
GONE = 410  # the receiver wants no more calls: the job is paused too


@dataclass(frozen=True)
class Settled:
    """What was decided: the run's new status, when it is tried again, and the poll that follows it."""

    status: RunStatus
    retry_at: datetime | None = None
    next_poll: dict[str, Any] | None = None


def succeed(
    run: Run, job: Job, poll: PollAnswer | None, polling_version: int, now: datetime, **details: Any
) -> Settled:
    """End a run well, and its job if this was the last of it; a poll that is not done is followed by the next."""
    attempts.close(run, Outcome.SUCCEEDED, now, **details)
    heard = {} if poll is None else {"progress": poll.progress, "message": poll.message}
    runs.leave_running(
        run,
        status=RunStatus.COMPLETED,
        finished_at=now,
        error_type=None,
        error_message=None,
        **heard,
    )
    following = None if poll is None else _after_poll(job, poll, polling_version, now)
    if following is None:
        end_if_over(job, JobState.COMPLETED, now)
    return Settled(RunStatus.COMPLETED, next_poll=following)


def fail(run: Run, job: Job, error: AttemptError, decision: RetryDecision, now: datetime, **details: Any) -> Settled:
    """Record a failed attempt, and try the run again later or end it, as was decided."""
    error_type = "permanent" if error.permanent else "transient"
    attempts.close(
        run,
        Outcome.FAILED,
        now,
        error_type=error_type,
        error_message=error.message,
        status_code=error.status_code,
        **details,
    )
    if error.status_code == GONE and job.state == JobState.ACTIVE:
        jobs.set_state(job, JobState.PAUSED, now)
    counted = {
        "failure_count": run.failure_count + 1,
        "error_type": error_type,
        "error_message": error.message,
    }
    return _again_or_end(run, job, decision, now, counted)


def lose(run: Run, job: Job, decision: RetryDecision, now: datetime) -> Settled:
    """Record that a run's worker died or lost its lease, and try the run again or end it."""
    message = "The worker died or lost its lease before it could record what happened."
    attempts.close(run, Outcome.LOST, now, error_type="lost", error_message=message)
    losses = run.loss_count + 1
    if decision.wait_seconds is None:
        message = f"{losses} workers in turn died or lost their lease while running this; it is not tried again."
    counted = {
        "loss_count": losses,
        "fence": run.fence + 1,
        "error_type": "lost",
        "error_message": message,
    }
    return _again_or_end(run, job, decision, now, counted)


def release(run: Run, now: datetime) -> Settled:
    """Hand a run back at shutdown: it is due again at once, and nothing is counted against it."""
    attempts.close(run, Outcome.RELEASED, now)
    runs.leave_running(run, status=RunStatus.QUEUED)
    return Settled(RunStatus.QUEUED)


def cancel(run: Run, job: Job, outcome: Outcome, now: datetime) -> Settled:
    """End a running run that someone cancelled."""
    attempts.close(run, outcome, now, error_type="cancelled", error_message="Cancelled while it ran.")
    runs.leave_running(
        run,
        status=RunStatus.CANCELLED,
        fence=run.fence + 1,
        finished_at=now,
        error_type="cancelled",
        error_message="Cancelled while it ran.",
    )
    end_if_over(job, JobState.CANCELLED, now)
    return Settled(RunStatus.CANCELLED)


def end_schedule(job: Job, now: datetime) -> None:
    """Plan nothing more for a job that comes back; it ends with its last run."""
    runs.delete_pending(job)
    job.next_run_at = None
    jobs.set_next_run(job, None)
    end_if_over(job, JobState.COMPLETED, now)


def end_if_over(job: Job, state: JobState, now: datetime) -> None:
    """End a job if the run just ended was the last of it; one that comes back ends when its schedule has."""
    if job.state in ENDED or job.next_run_at is not None:
        return
    comes_back = schedules.comes_back(specifications.read(job.schedule))
    if jobs.has_live_run(job):
        return
    jobs.end(job, JobState.COMPLETED if comes_back else state, now)


def _again_or_end(run: Run, job: Job, decision: RetryDecision, now: datetime, changes: dict[str, Any]) -> Settled:
    if decision.wait_seconds is None or run.cancel_requested_at is not None:
        status = RunStatus.CANCELLED if run.cancel_requested_at is not None else RunStatus.FAILED
        runs.leave_running(run, status=status, finished_at=now, **changes)
        end_if_over(job, JobState.FAILED, now)
        return Settled(status)
    retry_at = now + timedelta(seconds=decision.wait_seconds)
    runs.leave_running(run, status=RunStatus.RETRYING, due_at=retry_at, **changes)
    return Settled(RunStatus.RETRYING, retry_at=retry_at)


def _after_poll(job: Job, poll: PollAnswer, polling_version: int, now: datetime) -> dict[str, Any] | None:
    """Move the polling state on and make the next poll, unless the answer says done or the job has ended."""
    state = job.polling_state if poll.polling_state is None else poll.polling_state
    jobs.advance_polling_state(job, polling_version, state)
    schedule = specifications.read(job.schedule)
    if poll.done or job.state in ENDED or not isinstance(schedule, schedules.Polling):
        return None
    due_at = schedule.next_after_poll(now, poll.next_in_seconds)
    row = runs.draft(job, Trigger.POLL, due_at, now, status=RunStatus.PENDING)
    runs.insert([row])
    return row
