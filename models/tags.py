"""Queries on jobs' tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from models.tables import Job, JobTag

_CHUNK = 1_000


def insert(tagged: Mapping[UUID, Iterable[str]]) -> None:
    """Give jobs that are new their tags."""
    rows = [{"job": job_id, "tag": tag} for job_id, given in tagged.items() for tag in dict.fromkeys(given)]
    for start in range(0, len(rows), _CHUNK):
        JobTag.insert_many(rows[start : start + _CHUNK]).execute()


def replace(job: Job, tags: Iterable[str]) -> None:
    """Make these a job's tags, in place of those it had."""
    JobTag.delete().where(JobTag.job == job.id).execute()
    insert({job.id: tags})


def of(job_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """The tags of each of these jobs, in alphabetical order."""
    found: dict[UUID, list[str]] = {job_id: [] for job_id in job_ids}
    for row in JobTag.select().where(JobTag.job.in_(list(job_ids))).order_by(JobTag.tag):
        found[row.job_id].append(row.tag)
    return {job_id: tuple(tags) for job_id, tags in found.items()}
