"""Quotas of apps: the number of jobs, waiting runs and requests, the shortest interval, the data of a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise

from core import schedules
from core.errors import InvalidInput
from core.schedules import Polling, Schedule

_LOOKED_AT = 20
_ADMINISTRATORS = "or ask an administrator of this server for more"


@dataclass(frozen=True)
class Quotas:
    """What an app may use; None: unlimited. Requests are those of all its keys together."""

    jobs: int | None = None
    waiting_runs: int | None = None
    shortest_interval_seconds: float | None = None
    payload_bytes: int | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True)
class Taken:
    """What an app used a moment ago: its jobs, including ended ones that are kept, and its due runs that wait."""

    jobs: int = 0
    waiting_runs: int = 0


def check_payload(quotas: Quotas, member: str, size: int) -> None:
    """Raise `InvalidInput` for a member of a job that is larger than an app's jobs may carry."""
    most = quotas.payload_bytes
    if most is not None and size > most:
        raise InvalidInput.at(member, f"takes {size} bytes, more than the {most} of this app's quota; send less.")


def check_pace(quotas: Quotas, schedule: Schedule, now: datetime) -> None:
    """Raise `InvalidInput` for a schedule that recurs more often than the app's jobs may."""
    least = quotas.shortest_interval_seconds
    if least is None:
        return
    found = pace(schedule, now)
    if found is not None and found < timedelta(seconds=least):
        raise InvalidInput.at(
            "schedule",
            f"recurs after {found.total_seconds():g} s, sooner than the {least:g} s of this app's quota; choose a "
            f"longer wait, {_ADMINISTRATORS}.",
        )


def pace(schedule: Schedule, now: datetime) -> timedelta | None:
    """Returns the shortest interval between a schedule's next occurrences; None if there are not two."""
    if isinstance(schedule, Polling):
        return timedelta(seconds=schedule.interval_seconds)
    if not schedules.recurs(schedule):
        return None
    coming = islice(schedule.preview(now), _LOOKED_AT)
    return min((later - one for one, later in pairwise(coming)), default=None)


def fault_of_jobs(quotas: Quotas, taken: Taken) -> str | None:
    """Returns why an app may have no more jobs, or None."""
    if quotas.jobs is None or taken.jobs < quotas.jobs:
        return None
    return f"has {quotas.jobs} jobs or more, and that is its quota; delete some, {_ADMINISTRATORS}."


def fault_of_waiting(quotas: Quotas, taken: Taken, more: int = 1) -> str | None:
    """Returns why an app may not get this many more waiting runs, or None."""
    if quotas.waiting_runs is None or taken.waiting_runs + more <= quotas.waiting_runs:
        return None
    if more > 1:
        return (
            f"has {taken.waiting_runs} due runs that wait, and its quota of {quotas.waiting_runs} leaves no room for "
            f"{more} more; ask for fewer, try again when some have begun, {_ADMINISTRATORS}."
        )
    return (
        f"has {quotas.waiting_runs} due runs or more that wait, and that is its quota; try again when some have begun, "
        f"{_ADMINISTRATORS}."
    )
