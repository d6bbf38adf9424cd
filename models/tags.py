"""Queries on jobs' tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from models import set_based
from models.tables import Job, JobTag


def insert(tagged: Mapping[UUID, Iterable[str]]) -> None:
    """Give jobs that are new their tags."""
    rows = [{"job": job_id, "tag": tag} for job_id, given in tagged.items() for tag in dict.fromkeys(given)]
    for chunk in set_based.chunks(rows):
        JobTag.insert_many(chunk).execute()


def replace(job: Job, tags: Iterable[str]) -> None:
    """Replace a job's tags."""
    JobTag.delete().where(JobTag.job == job.id).execute()
    insert({job.id: tags})


def of_job(job: Job) -> tuple[str, ...]:
    """Returns a job's tags, sorted."""
    return tuple(row.tag for row in JobTag.select(JobTag.tag).where(JobTag.job == job.id).order_by(JobTag.tag))
