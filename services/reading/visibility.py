"""Decides which jobs a principal may see and act on: the one place where this becomes a condition."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, TypeVar
from uuid import UUID

from core.errors import Forbidden, NotFound
from core.filters import JobFilter, RunFilter
from core.principals import Principal
from core.scopes import Scope
from models import database, jobs, lists
from models.tables import Job

Filter = TypeVar("Filter", JobFilter, RunFilter)


class Owned(Protocol):
    """What tells whose a job is: a row, or a view."""

    @property
    def owner_id(self) -> UUID | None: ...
    @property
    def app_id(self) -> UUID: ...
    @property
    def account_id(self) -> str: ...


def visible(principal: Principal, wanted: Filter, scope: Scope = Scope.READ) -> Filter:
    """Returns the filter for those wanted jobs, or runs, that the principal may do this with. Raises `Forbidden`."""
    return replace(wanted, visible=principal.visible_jobs(scope))


def sees(principal: Principal, job: Owned) -> bool:
    """Whether a job exists for the principal. Raises `Forbidden` if no job does."""
    return principal.sees(job.owner_id, job.app_id, job.account_id)


def expect(principal: Principal, job_id: UUID, scope: Scope) -> None:
    """Raises as `expected` does."""
    with database.reading():
        expected(principal, jobs.by_id(job_id), job_id, scope)


def expect_run(principal: Principal, run_id: UUID, scope: Scope) -> None:
    """Raises `NotFound` for a run that does not exist or is not visible, `Forbidden` as `expected` does."""
    with database.reading():
        found = lists.run(run_id)
        expected_of(principal, None if found is None else found.job, NotFound("run", run_id), scope)


def expected(principal: Principal, job: Job | None, job_id: UUID, scope: Scope = Scope.READ) -> Job:
    """Returns the job that was looked up by this id.

    Raises `NotFound` if it does not exist or the principal may not see it, `Forbidden` if they may not do this with it.
    """
    return expected_of(principal, job, NotFound("job", job_id), scope)


def expected_of(principal: Principal, job: Job | None, missing: NotFound, scope: Scope) -> Job:
    """Returns the job, as `expected` does; raises `missing` where that raises `NotFound`."""
    if job is None or not sees(principal, job):
        raise missing
    principal.expect_scope(scope)
    if not principal.may(scope, job.owner_id, job.app_id, job.account_id):
        raise Forbidden(f"Your role in the app of this job does not grant {scope.value}; ask an owner of the app.")
    return job
