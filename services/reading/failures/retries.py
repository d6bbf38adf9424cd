"""Runs that are being retried, grouped by app, task type and reason: they show which receivers currently fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import failure_groups
from core.filters import JobFilter
from core.principals import Principal
from models import database, failures
from models.failures import Retry
from services.reading.upcoming import next_calls
from services.reading.visibility import visible
from services.system import System

MAX_READ = 1_000


@dataclass(frozen=True)
class RetryGroup:
    """Runs whose last attempts failed for the same reason, and the instant of the next retry of one of them.

    The run, the message and the job are those of the run that is retried next.
    """

    app_name: str
    task_type: str
    message: str | None
    error_type: str | None
    count: int
    next_at: datetime
    run_id: UUID
    job_id: UUID
    job_name: str | None
    job_title: str | None


def grouped(principal: Principal, system: System) -> list[RetryGroup]:
    """Returns the runs being retried, of jobs that the principal may see, largest groups first; reads 1,000 runs."""
    with database.reading():
        found = failures.retrying(visible(principal, JobFilter()), MAX_READ)
        next_at = next_calls.of_runs(system, found)
    together: dict[tuple[str, str, str], list[Retry]] = {}
    for one in found:
        key = (one.app_name, one.task_type, failure_groups.reason(one.error_type, one.error_message))
        together.setdefault(key, []).append(one)
    return sorted((_group(one, next_at) for one in together.values()), key=lambda group: -group.count)


def _group(members: Sequence[Retry], next_at: Mapping[UUID, datetime]) -> RetryGroup:
    first = min(members, key=lambda one: next_at[one.id])
    return RetryGroup(
        app_name=first.app_name,
        task_type=first.task_type,
        message=first.error_message,
        error_type=first.error_type,
        count=len(members),
        next_at=next_at[first.id],
        run_id=first.id,
        job_id=first.job_id,
        job_name=first.job_name,
        job_title=first.job_title,
    )
