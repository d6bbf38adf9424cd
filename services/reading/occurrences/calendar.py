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
from services.reading.occurrences import missed_ranges
from services.system import System

DAYS = 90
MAX_READ = 20_000


@dataclass(frozen=True)
class Day:
    """A day in a time zone, from `start` to before `end`, and the outcomes of a job's occurrences in it.

    If some of its runs were not read or are no longer kept, the day is partial: its counts are those of the others, and
    None if there are none.
    """

    day: date
    start: datetime
    end: datetime
    completed: int | None = None
    failed: int | None = None
    missed: int | None = None
    skipped: int | None = None
    cancelled: int | None = None
    is_partial: bool = False

    @property
    def is_known(self) -> bool:
        """Whether runs of this day were read, or it had none."""
        return self.completed is not None


def of_job(principal: Principal, system: System, job_id: UUID, zone: ZoneInfo, days: int = DAYS) -> list[Day]:
    """Returns a job's last days, today last, over its newest 20,000 runs. Raises `NotFound`."""
    now = system.clock.now()
    today = now.astimezone(zone).date()
    wanted = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    with database.reading():
        job = visibility.expected(principal, jobs.by_id(job_id), job_id)
        since = _start(wanted[0], zone)
        found = calendar.ended(job_id, since, MAX_READ, principal.account_id)
        rows = calendar.gaps(job_id, MAX_READ, principal.account_id) if found.has_gaps else []
        missed = missed_ranges.spread(job, rows, since)
    by_day: dict[date, list[Bucket]] = {}
    for one in (*found.buckets, *missed.buckets):
        by_day.setdefault(one.at.astimezone(zone).date(), []).append(one)
    lacking_before = (found.known_from, missed.known_from, _kept_from(system, job, now))
    read_from = max(filter(None, lacking_before), default=None)
    return [_day(one, by_day.get(one, ()), zone, is_partial=_is_partial(job, one, zone, read_from)) for one in wanted]


def _kept_from(system: System, job: Job, now: datetime) -> datetime | None:
    """Returns the instant before which runs may have been pruned; None if they are only pruned by number."""
    keep = Keep(job.keep_days, job.keep_last)
    return kept_since(keep, now, system.settings.keep_history_days, job_has_ended=job.state in ENDED)


def _is_partial(job: Job, day: date, zone: ZoneInfo, read_from: datetime | None) -> bool:
    """Whether runs of a day may be lacking: it has a part after the job was created, and before runs were read."""
    created_at: datetime = job.created_at
    start, end = _start(day, zone), _start(day + timedelta(days=1), zone)
    return read_from is not None and created_at < end and max(start, created_at) < read_from


def _day(day: date, buckets: Sequence[Bucket], zone: ZoneInfo, *, is_partial: bool) -> Day:
    def count(status: RunStatus) -> int:
        return sum(one.occurrences for one in buckets if one.status is status)

    start, end = _start(day, zone), _start(day + timedelta(days=1), zone)
    if is_partial and not buckets:
        return Day(day, start, end, is_partial=True)
    return Day(
        day,
        start,
        end,
        completed=count(RunStatus.COMPLETED),
        failed=count(RunStatus.FAILED),
        missed=count(RunStatus.MISSED),
        skipped=count(RunStatus.SKIPPED),
        cancelled=count(RunStatus.CANCELLED),
        is_partial=is_partial,
    )


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
