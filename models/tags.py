"""Queries on jobs' tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from models.tables import Job, JobTag


def replace(job: Job, tags: Iterable[str]) -> None:
    """Make these a job's tags, in place of those it had."""
    JobTag.delete().where(JobTag.job == job.id).execute()
    rows = [{"job": job.id, "tag": tag} for tag in dict.fromkeys(tags)]
    if rows:
        JobTag.insert_many(rows).execute()


def of(job_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """The tags of each of these jobs, in alphabetical order."""
    found: dict[UUID, list[str]] = {job_id: [] for job_id in job_ids}
    for row in JobTag.select().where(JobTag.job.in_(list(job_ids))).order_by(JobTag.tag):
        found[row.job_id].append(row.tag)
    return {job_id: tuple(tags) for job_id, tags in found.items()}
