"""What a reader may do with what a page shows: buttons that would be refused are not shown."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.principals import Principal
from core.scopes import Scope
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
    membership = principal.membership(app_id)

    def may(scope: Scope) -> bool:
        granted = principal.sees_all or (membership is not None and scope in membership.role.scopes)
        return scope in principal.scopes and granted

    return Rights(may(Scope.OPERATE), may(Scope.APP))
