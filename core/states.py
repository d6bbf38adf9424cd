"""The states of jobs, runs and attempts, and what a job shows.

pending -> queued -> running -> completed | failed | cancelled
running -> retrying -> queued                 (a failed or lost attempt that is tried again)
running -> queued                             (handed back at shutdown)
pending -> skipped | missed                   (an occurrence that does not fire)
pending | queued | retrying -> cancelled
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class RunStatus(StrEnum):
    """The state of a run. `queued` means due, whether claimable or held."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    MISSED = "missed"


WAITING_FOR_INSTANT = (RunStatus.PENDING, RunStatus.RETRYING)
GOING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
LIVE = (RunStatus.PENDING, *GOING)
DEAD = (RunStatus.FAILED, RunStatus.CANCELLED)
"""The states of runs that ended without success: replays are for these, unless others are asked for."""
REPLAYABLE = (*DEAD, RunStatus.COMPLETED)
"""The states of runs that can be replayed; a completed one only if its caller says so (`core.replays`)."""
NEVER_FIRED = (RunStatus.SKIPPED, RunStatus.MISSED)
"""The states of occurrences that made no run to claim."""
DID_NOT_RUN = (*NEVER_FIRED, RunStatus.CANCELLED)
"""The states of runs whose occurrence may be made up for."""


class JobState(StrEnum):
    """The stored state of a job; the status it shows also depends on its runs."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


class JobStatus(StrEnum):
    """What a job shows."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    RELEASED = "released"


class Trigger(StrEnum):
    """What made a run."""

    SCHEDULE = "schedule"
    POLL = "poll"
    MANUAL = "manual"
    RETRY = "retry"
    BACKFILL = "backfill"


class Hold(StrEnum):
    """Why a due run may not be claimed yet."""

    PAUSED = "paused"
    OVERLAP = "overlap"
    RATE_LIMIT = "rate_limit"
    CONCURRENCY = "concurrency"
    DESTINATION = "destination"
    RESTORED = "restored"  # the database was taken back, and it may have run already


KEYED_HOLDS = (Hold.RATE_LIMIT, Hold.CONCURRENCY, Hold.DESTINATION)
"""The holds of limits and breakers: by a key."""


def shown_status(state: JobState, going: Collection[RunStatus]) -> JobStatus:
    """Returns the status a job shows, from its stored state and the statuses of its runs that are not over."""
    if state is not JobState.ACTIVE:
        return JobStatus(state.value)
    if RunStatus.RUNNING in going:
        return JobStatus.RUNNING
    return JobStatus.QUEUED if going else JobStatus.PENDING
