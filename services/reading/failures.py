"""What failed for good, grouped by app, kind of task and reason, so that a hundred failures read as three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core import failure_groups
from core.filters import JobFilter
from core.principals import Principal
from models import database, failures
from models.failures import Failure
from services.reading.visibility import visible
from services.system import System

MOST_READ = 1_000


@dataclass(frozen=True)
class FailureGroup:
    """Failures that are alike; the run, the message and the job are those of the newest.

    Of `repeated` of them, another run has been made since that repeats them.
    """

    app_name: str
    task_type: str
    reason: str
    error_type: str | None
    message: str | None
    count: int
    repeated: int
    accounts: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    run_id: UUID
    job_id: UUID
    job_name: str | None


@dataclass(frozen=True)
class Failures:
    """The groups, those that failed last first, of runs that ended since `since`; `is_cut` where more failed."""

    groups: list[FailureGroup]
    count: int
    is_cut: bool
    since: datetime


def grouped(principal: Principal, system: System, hours: float, wanted: JobFilter | None = None) -> Failures:
    """Returns what failed within the last hours, of jobs that fit and that the principal may see: the newest 1,000."""
    since = system.clock.now() - timedelta(hours=hours)
    with database.reading():
        found = failures.newest(visible(principal, wanted or JobFilter()), since, MOST_READ + 1)
    read = found[:MOST_READ]
    together: dict[tuple[str, str, str], list[Failure]] = {}
    for one in read:
        key = (one.app_name, one.task_type, failure_groups.reason(one.error_type, one.error_message))
        together.setdefault(key, []).append(one)
    groups = [_group(key[2], members) for key, members in together.items()]
    return Failures(groups, len(read), len(found) > MOST_READ, since)


def _group(reason: str, members: Sequence[Failure]) -> FailureGroup:
    newest = members[0]
    return FailureGroup(
        app_name=newest.app_name,
        task_type=newest.task_type,
        reason=reason,
        error_type=newest.error_type,
        message=newest.error_message,
        count=len(members),
        repeated=sum(one.is_repeated for one in members),
        accounts=tuple(sorted({one.account_id for one in members})),
        first_at=members[-1].finished_at,
        last_at=newest.finished_at,
        run_id=newest.run_id,
        job_id=newest.job_id,
        job_name=newest.job_name,
    )
