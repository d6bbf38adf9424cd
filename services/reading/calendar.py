"""A job's last days, one by one: how many of its occurrences ran, failed, were missed, skipped or cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from core.keeping import Keep, kept_since
from core.principals import Principal
from core.states import ENDED, RunStatus
from models import calendar, database, jobs
from models.calendar import Bucket
from models.tables import Job
from services.reading import visibility
from services.system import System

DAYS = 90
MOST_READ = 20_000


@dataclass(frozen=True)
class Day:
    """A day on the clocks of a zone, from `start` to before `end`, and how the occurrences of a job went in it.

    The counts of a day are None where runs of it were not read or are no longer kept.
    """

    day: date
    start: datetime
    end: datetime
    completed: int | None = None
    failed: int | None = None
    missed: int | None = None
    skipped: int | None = None
    cancelled: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether the runs of this day were read."""
        return self.completed is not None


def of_job(principal: Principal, system: System, job_id: UUID, zone: ZoneInfo, days: int = DAYS) -> list[Day]:
    """Returns a job's last days, today last, over its newest 20,000 runs. Raises `NotFound`."""
    now = system.clock.now()
    today = now.astimezone(zone).date()
    wanted = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    with database.reading():
        job = visibility.expected(principal, jobs.by_id(job_id), job_id)
        found = calendar.ended(job_id, _start(wanted[0], zone), MOST_READ)
    by_day: dict[date, list[Bucket]] = {}
    for one in found.buckets:
        by_day.setdefault(one.at.astimezone(zone).date(), []).append(one)
    read_from = max(filter(None, (found.known_from, _kept_from(system, job, now))), default=None)
    return [_day(one, by_day.get(one, ()), zone, None if _is_before(job, one, zone) else read_from) for one in wanted]


def _kept_from(system: System, job: Job, now: datetime) -> datetime | None:
    """Returns the instant before which runs may have been pruned; None where they go by number alone."""
    keep = Keep(job.keep_days, job.keep_last)
    return kept_since(keep, now, system.settings.keep_history_days, job_has_ended=job.state in ENDED)


def _is_before(job: Job, day: date, zone: ZoneInfo) -> bool:
    """Whether a day was over before the job was made: nothing ran then."""
    created_at: datetime = job.created_at
    return _start(day + timedelta(days=1), zone) <= created_at


def _day(day: date, buckets: Sequence[Bucket], zone: ZoneInfo, read_from: datetime | None) -> Day:
    def count(status: RunStatus) -> int:
        return sum(one.occurrences for one in buckets if one.status is status)

    start, end = _start(day, zone), _start(day + timedelta(days=1), zone)
    if read_from is not None and start < read_from and not buckets:
        return Day(day, start, end)
    return Day(
        day,
        start,
        end,
        completed=count(RunStatus.COMPLETED),
        failed=count(RunStatus.FAILED),
        missed=count(RunStatus.MISSED),
        skipped=count(RunStatus.SKIPPED),
        cancelled=count(RunStatus.CANCELLED),
    )


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
