"""Decides which jobs a principal may see: the one place where this becomes a condition."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from core.errors import NotFound
from core.filters import JobFilter
from core.principals import Principal
from models import database, jobs
from models.tables import Job


def visible(principal: Principal, wanted: JobFilter) -> JobFilter:
    """Returns the filter for those wanted jobs that the principal may see. Raises `Forbidden` if they may see none."""
    return replace(wanted, owner_id=principal.visible_owner_id)


def expect_visible(principal: Principal, job_id: UUID) -> None:
    """Raises `NotFound` for a job that does not exist, or that the principal may not see."""
    with database.reading():
        expected(principal, jobs.by_id(job_id), job_id)


def expected(principal: Principal, job: Job | None, job_id: UUID) -> Job:
    """Returns the job that was looked up by this id. Raises as `expect_visible` does."""
    if job is None or not principal.may_see(job.owner_id):
        raise NotFound("job", job_id)
    return job
