"""Queries on the definitions of jobs before their edits."""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

import peewee

from models import apps, filtering, sized
from models.hot.rows import ExecutedJob, TypePolicy
from models.tables import App, Job, JobVersion, Run

MAX_KEPT = 1_000
MAX_BYTES_KEPT = 8 * 1024 * 1024
"""Of the definitions of one job's former versions; a job of a megabyte that is edited often keeps its newest eight."""
_ALWAYS_KEPT = 2
_AT_ONCE = 8  # definitions: each may have a megabyte
_JOBS_AT_ONCE = 50  # in one condition


def keep(job: Job, definition: dict[str, Any], now: datetime, *, by: str, reason: str | None) -> None:
    """Store a locked job's definition, before an edit replaces it, with who makes the edit and why."""
    account_id = definition["account_id"]
    row = {"job": job.id, "version": job.version, "account_id": account_id, "definition": definition}
    JobVersion.insert(**row, replaced_at=now, replaced_by=by, reason=reason).execute()


def newest(job_id: UUID, limit: int) -> list[JobVersion]:
    """Returns a job's former versions that are kept, newest first, at most so many, without their definitions."""
    columns = (JobVersion.version, JobVersion.replaced_at, JobVersion.replaced_by, JobVersion.reason)
    of_job: Any = JobVersion.select(*columns).where(JobVersion.job == job_id)
    return list(of_job.order_by(JobVersion.version.desc()).limit(limit))


def accounts(job_id: UUID, wanted: Sequence[int]) -> dict[int, str | None]:
    """Returns the account of a job in each of these former versions.

    Of those that the former release stored, the definitions are read for it, a few at a time.
    """
    of_job: Any = JobVersion.select(JobVersion.version, JobVersion.account_id).where(JobVersion.job == job_id)
    found: dict[int, str | None] = dict(of_job.where(JobVersion.version.in_(wanted)).tuples())
    unknown = [version for version, account_id in found.items() if account_id is None]
    for start in range(0, len(unknown), _AT_ONCE):
        some = kept({(job_id, version) for version in unknown[start : start + _AT_ONCE]})
        found.update({version: (definition or {}).get("account_id") for (_, version), definition in some.items()})
    return found


def of_another_until(job_id: UUID, account_id: str) -> datetime | None:
    """Returns until when a job belonged to another account, as far as versions are kept; None if it never did."""
    former: dict[int, datetime] = {one.version: one.replaced_at for one in newest(job_id, MAX_KEPT + _AT_ONCE)}
    numbers = list(former)
    found = _newest_of_another(job_id, account_id, numbers)
    return None if found is None else former[found]


def kept(wanted: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], dict[str, Any]]:
    """Returns the definitions of these versions of jobs; only those that were replaced and are kept."""
    by_job: dict[UUID, list[int]] = {}
    for job_id, version in wanted:
        by_job.setdefault(job_id, []).append(version)
    of_each = [(JobVersion.job == job_id) & JobVersion.version.in_(numbers) for job_id, numbers in by_job.items()]
    found: dict[tuple[UUID, int], dict[str, Any]] = {}
    for start in range(0, len(of_each), _JOBS_AT_ONCE):
        query = JobVersion.select().where(functools.reduce(operator.or_, of_each[start : start + _JOBS_AT_ONCE]))
        found.update({(row.job_id, row.version): row.definition for row in query})
    return found


def as_begun(job: Job, columns: dict[str, Any]) -> Job:
    """Returns a job's row, not to be stored, with these values and its app's policy for the task type they name."""
    begun: Any = Job(**{**job.__data__, **columns})
    begun.app = job.app
    begun.policy = apps.task_type(job.app_id, begun.task_type)
    found: Job = begun
    return found


def executed(job: Job) -> ExecutedJob:
    """Returns what a handler needs of a job that was read with its app and its policy."""
    policy = getattr(job, "policy", None)
    return ExecutedJob(
        job.version,
        job.task_type,
        job.callback_url,
        job.board_id,
        job.data,
        job.max_retries,
        job.retry_backoff_base,
        job.retry_backoff_max,
        job.time_limit_seconds,
        job.polling_state,
        job.polling_version,
        job.app_id,
        job.app.callback_base_url,
        TypePolicy(*(getattr(policy, name, None) for name in ("max_retries", "retry_backoff_base", "request"))),
        job.limit_key or getattr(policy, "limit_key", None),
    )


def executed_for(app: App, task_type: str, data: Any) -> ExecutedJob:
    """Returns what a handler needs of a job of this task type with this data that defines nothing else."""
    job: Any = Job(app=app, task_type=task_type, data=data)
    job.policy = apps.task_type(app.id, task_type)
    return executed(job)


def trim(job: Job) -> int:
    """Delete the oldest former versions of a locked job beyond so many bytes, or so many versions. Returns how many.

    Three kinds stay: the newest two, those that a run will execute, and the newest that belonged to another account,
    which shows that the job moved.
    """
    of_job: Any = JobVersion.select(JobVersion.version, sized.octets(JobVersion.definition)).where(
        JobVersion.job == job
    )
    newest_first = list(of_job.order_by(JobVersion.version.desc()).limit(MAX_KEPT + _AT_ONCE).tuples())
    totals = accumulate(size for _, size in newest_first)
    beyond = [
        version
        for place, ((version, _), total) in enumerate(zip(newest_first, totals, strict=True))
        if place >= _ALWAYS_KEPT and (place >= MAX_KEPT or total > MAX_BYTES_KEPT)
    ]
    if not beyond:
        return 0
    is_unneeded = ~peewee.fn.EXISTS(_needed())
    candidates: Any = JobVersion.select(JobVersion.version).where(JobVersion.job == job, is_unneeded)
    unneeded = [version for (version,) in candidates.where(JobVersion.version.in_(beyond)).tuples()]
    tells_of_move = _newest_of_another(job.id, job.account_id, unneeded)
    old = (JobVersion.job == job) & JobVersion.version.in_([one for one in unneeded if one != tells_of_move])
    return int(JobVersion.delete().where(old, is_unneeded).execute())


def _newest_of_another(job_id: UUID, account_id: str, among: Sequence[int]) -> int | None:
    """Returns the newest of these versions of a job in which it was another account's; None if there is none."""
    found = accounts(job_id, among)
    return max((version for version in among if found.get(version) != account_id), default=None)


def _needed() -> Any:
    """Returns a query for the runs that will execute a version, or are doing so."""
    return Run.select(peewee.SQL("1")).where(
        Run.job == JobVersion.job, Run.job_version == JobVersion.version, filtering.LIVE
    )


def prune(replaced_before: datetime, limit: int) -> int:
    """Delete versions replaced before an instant that no run will execute any more. Returns how many."""
    old = (
        JobVersion.select(JobVersion.job, JobVersion.version)
        .where(JobVersion.replaced_at < replaced_before, ~peewee.fn.EXISTS(_needed()))
        .limit(limit)
    )
    return int(JobVersion.delete().where(peewee.Tuple(JobVersion.job, JobVersion.version).in_(old)).execute())
