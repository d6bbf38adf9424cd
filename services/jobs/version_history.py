"""The versions of a job: listed, shown, compared, and reverted to. Former ones are kept as long as history is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from datetime import datetime
from uuid import UUID

import structlog

from core.errors import NotFound
from core.principals import Principal
from models import database, jobs, tags, versions
from models.tables import Job
from services.jobs import definition as definitions
from services.jobs import editing
from services.jobs.definition import Definition
from services.reading import visibility
from services.reading.views import JobView
from services.scheduling import stored_schedule
from services.system import System
from services.task_types import request_masks

MAX_LISTED = 100
_MEMBERS = tuple(one.name for one in fields(Definition))
log = structlog.get_logger()


@dataclass(frozen=True)
class VersionView:
    """A version: its instant, author and reason; these may no longer be known for the oldest kept version."""

    version: int
    since: datetime | None
    by: str | None
    reason: str | None
    is_current: bool


@dataclass(frozen=True)
class Comparison:
    """Two versions of a job as they are shown, and the members in which they differ, including masked ones."""

    earlier: Definition
    later: Definition
    differing: tuple[str, ...]


def listed(principal: Principal, job_id: UUID) -> list[VersionView]:
    """Returns a job's newest versions, newest first. Raises `NotFound`."""
    with database.reading():
        job = visibility.expected(principal, jobs.by_id(job_id), job_id)
        kept = {one.version: one for one in versions.newest(job_id, MAX_LISTED)}
        former = list(kept)
        if principal.account_id is not None:
            accounts = versions.accounts(job_id, former)
            former = [version for version in former if _may_see(principal, accounts.get(version))]
    found = []
    for version in (job.version, *former):
        made = kept.get(version - 1)
        if made is not None:
            since, by, reason = made.replaced_at, made.replaced_by, made.reason
        else:
            since, by, reason = (job.created_at, job.created_by, None) if version == 1 else (None, None, None)
        found.append(VersionView(version, since, by, reason, version == job.version))
    return found


def shown(principal: Principal, job_id: UUID, version: int) -> Definition:
    """Returns a version of a job as it is shown. Raises `NotFound`, also for one that is no longer kept."""
    with database.reading():
        return _masked(_found(principal, visibility.expected(principal, jobs.by_id(job_id), job_id), version))


def compared(principal: Principal, job_id: UUID, earlier: int, later: int) -> Comparison:
    """Returns what differs between two versions of a job. Raises as `shown` does."""
    with database.reading():
        job = visibility.expected(principal, jobs.by_id(job_id), job_id)
        one, other = _found(principal, job, earlier), _found(principal, job, later)
    differing = tuple(name for name in _MEMBERS if getattr(one, name) != getattr(other, name))
    return Comparison(_masked(one), _masked(other), differing)


def revert(
    principal: Principal,
    system: System,
    job_id: UUID,
    version: int,
    *,
    allow: Callable[[JobView, Definition], None] = lambda _view, _wanted: None,
    expected: Collection[int] | None = None,
    reason: str | None = None,
) -> JobView:
    """Restore the definition of a former version of a job, which creates a new version. Returns the job.

    Raises as `editing.edit` and `shown` do, and what `allow` raises for the job and its new definition.
    """

    def amend(view: JobView) -> Definition:
        wanted = _found(principal, jobs.by_ids([job_id])[job_id], version)
        allow(view, wanted)
        return wanted

    return editing.edit(principal, system, job_id, amend, expected, reason=reason)


def _may_see(principal: Principal, account_id: str | None) -> bool:
    """Whether a version belongs to the principal's account, if they are bound to one: a job may have moved."""
    return principal.account_id in (None, account_id)


def _found(principal: Principal, job: Job, version: int) -> Definition:
    """Returns a job's definition in a version. Raises `NotFound`, also for one that was another account's."""
    if version == job.version:
        return definitions.of(job, tags.of_job(job))
    is_possible = 0 < version < job.version
    kept = versions.kept({(job.id, version)}).get((job.id, version)) if is_possible else None
    missing = NotFound(f"definition of job {job.id} in version", version)
    if kept is None:
        raise missing
    try:
        found = definitions.restore(kept)
    except stored_schedule.UNREADABLE:
        log.exception("version_unreadable", job_id=str(job.id), version=version)
        raise missing from None
    if not _may_see(principal, found.account_id):
        raise missing
    return found


def _masked(definition: Definition) -> Definition:
    return replace(
        definition,
        callback_url=request_masks.masked_address(definition.callback_url),
        data=request_masks.masked_data(definition.task_type, definition.data),
    )
