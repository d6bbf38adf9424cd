"""What follows for a run and its job when an attempt has ended: decided one by one, carried out together.

The deciding functions only say what follows. `carry_out` writes it, one statement for all that is alike; the jobs are
locked by the caller, in its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import schedules
from core.alerting import Event
from core.answers import PollAnswer
from core.errors import AttemptError
from core.retry import RetryDecision
from core.states import ENDED, Hold, JobState, Outcome, RunStatus, Trigger
from models import attempts, claims, jobs, pauses, runs
from models.tables import Job, Run
from services import alerts, specifications

ANSWER_KEPT = 64 * 1024
LONGEST_RESULT = 64 * 1024  # as JSON
MESSAGE_KEPT = 2_000
TOO_LATE = "deadline"
JOB_ENDED = "job ended"
GONE = 410  # the receiver wants no more calls: the job is paused too

_NEXT_INSTANT = timedelta(microseconds=1)  # two polls have two instants, even if the clock stands still
_LOST = "The worker died or lost its lease before it could record what happened."
_LOST_FOR_GOOD = "{losses} workers in turn died or lost their lease while running this; it is not tried again."
_CANCELLED = {"error_type": "cancelled", "error_message": "Cancelled while it ran."}


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


@dataclass(frozen=True)
class Polled:
    """What follows from a good poll: the new state, in place of the version it was made from, and the next poll."""

    state: dict[str, Any]
    from_version: int
    following: dict[str, Any] | None = None
    stopped: str | None = None
    is_done: bool = False


def succeed(
    run: Run, job: Job, poll: PollAnswer | None, polling_version: int, now: datetime, *, result: Any, **details: Any
) -> Settlement:
    """End a run well, and its job if this was the last of it; a poll that is not done is followed by the next."""
    changes = _ended(run, RunStatus.COMPLETED, now) | {"error_type": None, "error_message": None, "reason": None}
    changes["result"] = result
    if poll is not None:
        changes |= {"progress": poll.progress, "message": poll.message}
    polled = None if poll is None else _after_poll(run, job, poll, polling_version, now)
    return Settlement(
        run,
        job,
        attempt=_closed(Outcome.SUCCEEDED, now, **details),
        changes=changes,
        job_ends=_end_after(polled),
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
    fault = {"error_type": "permanent" if error.permanent else "transient", "error_message": _storable(error.message)}
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


def carry_out(settlements: Sequence[Settlement], now: datetime) -> None:
    """Write what was decided."""
    attempts.close((one.run.id, one.attempt) for one in settlements)
    claims.leave_running((one.run.id, one.changes) for one in settlements)
    for one in settlements:
        if one.polled is not None:  # a state put in its place meanwhile stays, and polling goes on from that
            jobs.advance_polling_state(one.job, one.polled.from_version, one.polled.state, now)
            if one.polled.stopped is not None:
                jobs.explain_end(one.job, one.polled.stopped)
        if one.job_pauses:
            runs.hold(one.job, Hold.PAUSED)
            jobs.set_state(one.job, JobState.PAUSED, now)
    alerts.note(((one.job, one.event) for one in settlements), now)
    runs.insert([following for one in settlements if (following := one.settled.next_poll) is not None])
    end_if_over({one.job.id: (one.job, one.job_ends) for one in settlements if one.job_ends is not None}.values(), now)


def end_schedule(job: Job, now: datetime) -> None:
    """Plan nothing more for a job that comes back; it ends with its last run."""
    runs.delete_pending(job)
    job.next_run_at = None
    jobs.set_next_run(job, None)
    end_if_over([(job, JobState.COMPLETED)], now)


def end_if_over(candidates: Iterable[tuple[Job, JobState]], now: datetime) -> None:
    """End those of these jobs that have nothing left to run, one that comes back `completed`, others as given."""
    over = [(job, state) for job, state in candidates if job.state not in ENDED and job.next_run_at is None]
    live = jobs.with_live_run([job.id for job, _ in over])
    ends: dict[JobState, list[Job]] = {}
    for job, state in over:
        if job.id not in live:
            comes_back = schedules.comes_back(specifications.read(job.schedule))
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


def _after_poll(run: Run, job: Job, poll: PollAnswer, polling_version: int, now: datetime) -> Polled:
    """The polling state moved on and the next poll, unless the answer says done or the job has ended."""
    state = job.polling_state if poll.polling_state is None else poll.polling_state
    schedule = specifications.read(job.schedule)
    is_newest = polling_version == job.polling_version  # else it was rewound meanwhile
    if poll.done and is_newest:
        return Polled(state, polling_version, is_done=True)
    if run.cancel_requested_at is not None or job.state in ENDED or not isinstance(schedule, schedules.Polling):
        return Polled(state, polling_version)
    due_at = max(schedule.next_after_poll(now, poll.next_in_seconds), run.scheduled_for + _NEXT_INSTANT)
    stopped = schedule.reason_to_stop(job.polls + 1, job.reopened_at or job.created_at, due_at)
    if stopped is not None:
        return Polled(state, polling_version, stopped=stopped)
    return Polled(state, polling_version, runs.draft(job, Trigger.POLL, due_at, now, status=RunStatus.PENDING))


def _storable(text: str) -> str:
    """A message as the database can hold it: what a receiver sent may be in it, NUL and all, at any length."""
    return text[:MESSAGE_KEPT].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _end_after(polled: Polled | None) -> JobState | None:
    """How a job ends after a run that went well, if it does."""
    if polled is None:
        return JobState.COMPLETED
    if polled.following is not None:
        return None
    if polled.stopped is not None:
        return JobState.FAILED
    return JobState.COMPLETED if polled.is_done else JobState.CANCELLED


def _ended(run: Run, status: RunStatus, now: datetime) -> dict[str, Any]:
    ended = {"status": status, "finished_at": now}
    in_time = run.deadline_at is None or now <= run.deadline_at or run.deadline_missed_at is not None
    return ended if in_time else {**ended, "deadline_missed_at": now}


def _closed(outcome: Outcome, now: datetime, **details: Any) -> dict[str, Any]:
    return {"outcome": outcome, "finished_at": now, **details}
