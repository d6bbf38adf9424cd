"""What a reader may do with what a page shows: buttons that would be refused are not shown."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.principals import Principal
from core.scopes import Scope
from services.access import visible_apps
from services.reading.views import JobView


@dataclass(frozen=True)
class Rights:
    """Whether a reader may run and stop, and whether they may change and delete."""

    operate: bool
    change: bool


def on_job(principal: Principal, job: JobView) -> Rights:
    """Returns what a principal may do with a job that they see."""
    whose = (job.owner_id, job.app_id, job.account_id)
    return Rights(principal.may(Scope.OPERATE, *whose), principal.may(Scope.JOBS, *whose))


def on_app(principal: Principal, app_id: UUID) -> Rights:
    """Returns what a principal may do with an app as a whole."""
    return Rights(*(visible_apps.may(principal, app_id, scope) for scope in (Scope.OPERATE, Scope.APP)))


def on_jobs_of(principal: Principal, app_id: UUID) -> bool:
    """Whether a principal may make jobs of an app, and so send its receiver what they choose."""
    return visible_apps.may(principal, app_id, Scope.JOBS)
