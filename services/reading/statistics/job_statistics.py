"""How many jobs show each status, and how long the newest runs of a user's jobs waited to begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.filters import JobFilter
from core.principals import Principal
from core.states import JobState
from models import database, statistics
from models.statistics import StateCount
from services.reading.visibility import visible

MAX_WAITS = 1_000


@dataclass(frozen=True)
class JobStatistics:
    """How many jobs show each status; from `pending` to `paused` they sum to `total`.

    `pending` includes the jobs that lists show as queued: these are `queued`, and `retrying` of them wait for a retry.
    """

    total: int
    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    paused: int
    queued: int = 0
    retrying: int = 0


@dataclass(frozen=True)
class OwnFigures:
    """A user's jobs by status and by priority, and how long their newest runs waited to begin, on average."""

    by_status: JobStatistics
    by_priority: Mapping[int, int]
    wait_seconds: float


def overview(principal: Principal) -> OwnFigures:
    """Returns the figures of the jobs that the principal may see."""
    wanted = visible(principal, JobFilter())
    with database.reading():
        priorities = statistics.job_priorities(wanted)
        starts = statistics.newest_starts(wanted, MAX_WAITS)
    waits = [max(0.0, (began - due).total_seconds()) for due, began, repeats in starts if repeats == 0]
    mean = sum(waits) / len(waits) if waits else 0.0
    return OwnFigures(of_jobs(principal, wanted), priorities, mean)


def of_jobs(principal: Principal, wanted: JobFilter) -> JobStatistics:
    """Returns the statistics of the matching jobs that the principal may see, at one moment."""
    wanted = visible(principal, wanted)
    with database.reading():
        found = {one.state: one for one in statistics.job_states(wanted)}
    counts = {state: found[state].jobs if state in found else 0 for state in JobState}
    active = found.get(JobState.ACTIVE) or StateCount(JobState.ACTIVE, 0, 0, 0, 0)
    return JobStatistics(
        total=sum(counts.values()),
        pending=counts[JobState.ACTIVE] - active.running,
        running=active.running,
        completed=counts[JobState.COMPLETED],
        failed=counts[JobState.FAILED],
        cancelled=counts[JobState.CANCELLED],
        paused=counts[JobState.PAUSED],
        queued=active.queued,
        retrying=active.retrying,
    )
