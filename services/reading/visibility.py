"""Decides which jobs a principal may see and act on: the only place where this condition is applied."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, TypeVar
from uuid import UUID

from core.errors import Forbidden, NotFound
from core.filters import JobFilter, RunFilter
from core.principals import Principal
from core.scopes import Scope
from models.hot import whose
from services.reading.views import JobView

Filter = TypeVar("Filter", JobFilter, RunFilter)


class Owned(Protocol):
    """The owners of a job: a row, or a view."""

    @property
    def owner_id(self) -> UUID | None: ...
    @property
    def app_id(self) -> UUID: ...
    @property
    def account_id(self) -> str: ...


class OwnedRun(Owned, Protocol):
    """The owners of a run's job, and the account for which the run was made."""

    @property
    def run_account_id(self) -> str: ...


OwnedJob = TypeVar("OwnedJob", bound=Owned)


def visible(principal: Principal, wanted: Filter, scope: Scope = Scope.READ) -> Filter:
    """Returns the filter restricted to jobs, or runs, on which the principal has this scope. Raises `Forbidden`."""
    return replace(wanted, visible=principal.visible_jobs(scope))


def sees(principal: Principal, job: Owned) -> bool:
    """Whether a job exists for the principal. Raises `Forbidden` if no job does."""
    return principal.sees(job.owner_id, job.app_id, job.account_id)


def sees_run(principal: Principal, run: OwnedRun) -> bool:
    """Whether a run exists for the principal. Raises `Forbidden` if no job does."""
    return sees(principal, run) and principal.sees_runs_of(run.run_account_id)


def as_seen(principal: Principal, job: JobView) -> JobView:
    """Returns a job that the principal sees, without its last run if that was made for another account."""
    last = job.last_run
    return job if last is None or principal.sees_runs_of(last.account_id) else replace(job, last_run=None)


def expect(principal: Principal, job_id: UUID, scope: Scope = Scope.READ) -> None:
    """Raises as `expected` does."""
    expected_of(principal, whose.job(job_id), NotFound("job", job_id), scope)


def expect_run(principal: Principal, run_id: UUID, scope: Scope) -> None:
    """Raises `NotFound` for a run that does not exist or is not visible, `Forbidden` as `expected` does."""
    found, missing = whose.run(run_id), NotFound("run", run_id)
    expected_of(principal, found, missing, scope)
    if found is None or not sees_run(principal, found):
        raise missing


def expected(principal: Principal, job: OwnedJob | None, job_id: UUID, scope: Scope = Scope.READ) -> OwnedJob:
    """Returns the job that was looked up by this id.

    Raises `NotFound` if it does not exist or the principal may not see it, `Forbidden` if they may not do this with it.
    """
    return expected_of(principal, job, NotFound("job", job_id), scope)


def expected_of(principal: Principal, job: OwnedJob | None, missing: NotFound, scope: Scope) -> OwnedJob:
    """Returns the job, as `expected` does; raises `missing` where that raises `NotFound`."""
    if job is None or not sees(principal, job):
        raise missing
    principal.expect_scope(scope)
    if not principal.may(scope, job.owner_id, job.app_id, job.account_id):
        raise Forbidden(f"Your role in the app of this job does not grant {scope.value}; ask an owner of the app.")
    return job
