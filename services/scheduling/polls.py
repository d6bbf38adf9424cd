"""What follows from a good poll: the state moves on, and another poll comes unless there is a reason to stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import schedules
from core.receiver_answers import PollAnswer
from core.states import ENDED, JobState, RunStatus, Trigger
from models import runs
from models.tables import Job, Run
from services.scheduling import stored_schedule

_NEXT_INSTANT = timedelta(microseconds=1)  # two polls have two instants, even if the clock stands still
_UNREADABLE = "its schedule can no longer be read, so no poll follows"


@dataclass(frozen=True)
class Polled:
    """What follows from a good poll: the new state, in place of the version it was made from, and the next poll."""

    state: dict[str, Any]
    from_version: int
    following: dict[str, Any] | None = None
    stopped: str | None = None
    is_done: bool = False


def after(run: Run, job: Job, poll: PollAnswer, polling_version: int, now: datetime) -> Polled:
    """The polling state moved on and the next poll, unless the answer says done or the job has ended."""
    state = job.polling_state if poll.polling_state is None else poll.polling_state
    is_newest = polling_version == job.polling_version  # else it was rewound meanwhile
    if poll.done and is_newest:
        return Polled(state, polling_version, is_done=True)
    try:
        schedule = stored_schedule.read(job.schedule)
    except stored_schedule.UNREADABLE:
        return Polled(state, polling_version, stopped=_UNREADABLE)
    if run.cancel_requested_at is not None or job.state in ENDED or not isinstance(schedule, schedules.Polling):
        return Polled(state, polling_version)
    due_at = max(schedule.next_after_poll(now, poll.next_in_seconds), run.scheduled_for + _NEXT_INSTANT)
    stopped = schedule.reason_to_stop(job.polls + 1, job.reopened_at or job.created_at, due_at)
    if stopped is not None:
        return Polled(state, polling_version, stopped=stopped)
    return Polled(state, polling_version, runs.draft(job, Trigger.POLL, due_at, now, status=RunStatus.PENDING))


def end_of_job(polled: Polled | None) -> JobState | None:
    """How a job ends after a run that went well, if it does."""
    if polled is None:
        return JobState.COMPLETED
    if polled.following is not None:
        return None
    if polled.stopped is not None:
        return JobState.FAILED
    return JobState.COMPLETED if polled.is_done else JobState.CANCELLED
