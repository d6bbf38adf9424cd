"""What a reader may do with what a page shows: buttons that would be refused are not shown."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.principals import Principal
from core.scopes import Scope
from services.access import visible_apps
from services.jobs import requested_runs
from services.reading.views import JobView


@dataclass(frozen=True)
class Rights:
    """Whether a reader may run and stop, make jobs, and change and delete; and run a job with other data."""

    operate: bool
    make: bool
    change: bool
    give_data: bool = False


def on_job(principal: Principal, job: JobView) -> Rights:
    """Returns what a principal may do with a job that they see."""
    whose = (job.owner_id, job.app_id, job.account_id)
    may_change = principal.may(Scope.JOBS, *whose)
    may_operate = principal.may(Scope.OPERATE, *whose)
    gives_data = may_operate and principal.may(requested_runs.scope_for_data(job.task_type), *whose)
    return Rights(may_operate, may_change, may_change, gives_data)


def on_app(principal: Principal, app_id: UUID) -> Rights:
    """Returns what a principal may do with an app as a whole."""
    return Rights(*(visible_apps.may(principal, app_id, scope) for scope in (Scope.OPERATE, Scope.JOBS, Scope.APP)))


def operates_in(principal: Principal, app_name: str) -> bool:
    """Whether a principal may run and stop what they see in an app; without a role there, that is their own."""
    role = next((one.role for one in principal.memberships if one.app_name == app_name), None)
    granted = principal.sees_all or role is None or Scope.OPERATE in role.scopes
    return Scope.OPERATE in principal.scopes and granted


def owns(principal: Principal, app_name: str) -> bool:
    """Whether a principal may change an app as a whole, and so sees its entries in the audit log."""
    in_app = (one.app_id for one in principal.memberships if one.app_name == app_name)
    granted = principal.sees_all or any(visible_apps.may(principal, app_id, Scope.APP) for app_id in in_app)
    return Scope.APP in principal.scopes and granted


def has_somewhere(principal: Principal, scope: Scope) -> bool:
    """Whether a principal has a scope in any app as a whole."""
    return scope in principal.scopes and principal.app_ids(scope) != frozenset()
