"""Decides which apps a principal may see and change: their own memberships; all for administrators and operators."""

from __future__ import annotations

from uuid import UUID

from core import built_in_apps, json_text, names
from core.errors import Forbidden, NotFound
from core.principals import Principal
from core.scopes import Scope
from models import apps, database
from models.tables import App


def expect(principal: Principal, name: str, scope: Scope) -> None:
    """Raises as `found` does."""
    with database.reading():
        found(principal, name, scope)


def found(principal: Principal, name: str, scope: Scope | None = None) -> App:
    """Returns the app of this name, in the caller's transaction.

    Raises `NotFound` if there is none or the principal is no member, `Forbidden` if their role does not grant the
    scope. Without a scope, membership is enough. A key that is bound to one account of an app cannot change the app.
    """
    if json_text.bad_text(name):
        raise NotFound("app", ascii(name))
    app = apps.by_name(name)
    member = None if app is None else principal.membership(app.id)
    if app is None or not (principal.sees_all or member):
        raise NotFound("app", name)
    if scope is None:
        return app
    principal.expect_scope(scope)
    if may(principal, app.id, scope):
        return app
    if member is not None and not principal.sees_all and scope not in member.role.scopes:
        raise Forbidden(f"Your role in {app.name} is {member.role.value}, which does not grant {scope.value}.")
    raise Forbidden(f"This key is only for the account {principal.account_id!r}, not for the whole app.")


def locked(principal: Principal, name: str, scope: Scope) -> App:
    """Returns the app of this name as it is now, locked until the caller's transaction ends. Raises as `found` does."""
    app = apps.lock(found(principal, name, scope))
    if app is None:
        raise NotFound("app", name)
    return app


def may(principal: Principal, app_id: UUID, scope: Scope) -> bool:
    """Whether a principal may do this with an app as a whole."""
    if scope not in principal.scopes or (principal.account_id is not None and scope is not Scope.READ):
        return False
    member = principal.membership(app_id)
    return principal.sees_all or (member is not None and scope in member.role.scopes)


def may_have_jobs(principal: Principal, name: str) -> bool:
    """Whether a principal may see jobs in an app of this name: one of their apps, or a shared one."""
    theirs = {names.folded(one.app_name) for one in principal.memberships}
    return principal.sees_all or names.folded(name) in theirs or built_in_apps.canonical(name) in built_in_apps.NAMES
