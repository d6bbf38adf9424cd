"""A job's last days, one by one: how many of its occurrences ran, failed, were missed, skipped or cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from core.principals import Principal
from core.states import RunStatus
from models import calendar, database, jobs
from models.calendar import Bucket
from services.reading import visibility
from services.system import System

DAYS = 90
MOST_READ = 20_000


@dataclass(frozen=True)
class Day:
    """A day on the clocks of a zone, from `start` to before `end`, and how the occurrences of a job went in it."""

    day: date
    start: datetime
    end: datetime
    completed: int
    failed: int
    missed: int
    skipped: int
    cancelled: int


def of_job(principal: Principal, system: System, job_id: UUID, zone: ZoneInfo, days: int = DAYS) -> list[Day]:
    """Returns a job's last days, today last, over its newest 20,000 runs. Raises `NotFound`."""
    today = system.clock.now().astimezone(zone).date()
    wanted = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    with database.reading():
        visibility.expected(principal, jobs.by_id(job_id), job_id)
        found = calendar.ended(job_id, _start(wanted[0], zone), MOST_READ)
    by_day: dict[date, list[Bucket]] = {}
    for one in found:
        by_day.setdefault(one.at.astimezone(zone).date(), []).append(one)
    return [_day(one, by_day.get(one, ()), zone) for one in wanted]


def _day(day: date, buckets: Sequence[Bucket], zone: ZoneInfo) -> Day:
    def count(status: RunStatus) -> int:
        return sum(one.occurrences for one in buckets if one.status is status)

    return Day(
        day,
        _start(day, zone),
        _start(day + timedelta(days=1), zone),
        completed=count(RunStatus.COMPLETED),
        failed=count(RunStatus.FAILED),
        missed=count(RunStatus.MISSED),
        skipped=count(RunStatus.SKIPPED),
        cancelled=count(RunStatus.CANCELLED),
    )


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
