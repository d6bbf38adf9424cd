"""Who is in which app, in one look, for those who own the apps."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from core.principals import Principal
from core.scopes import Scope
from models import database, members
from services.access.members import MemberView


def owned(principal: Principal, app_ids: Collection[UUID]) -> dict[UUID, list[MemberView]]:
    """Returns the members, by name, of those of these apps whose members the principal may see."""
    theirs = [one for one in app_ids if _may_see(principal, one)]
    with database.reading():
        found = members.of_apps(theirs)
    return {
        app_id: [MemberView(one.user.username, one.role, one.created_at) for one in of_app]
        for app_id, of_app in found.items()
    }


def _may_see(principal: Principal, app_id: UUID) -> bool:
    membership = principal.membership(app_id)
    grants = principal.sees_all or (membership is not None and Scope.APP in membership.role.scopes)
    return Scope.APP in principal.scopes and grants
