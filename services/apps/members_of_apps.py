"""Reads the members of several apps in one query, for callers who own the apps."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from core.principals import Principal
from core.scopes import Scope
from models import database, members
from services.access import visible_apps
from services.apps.members import MemberView


def owned(principal: Principal, app_ids: Collection[UUID]) -> dict[UUID, list[MemberView]]:
    """Returns the members, by name, of those of these apps whose members the principal may see."""
    theirs = [one for one in app_ids if visible_apps.may(principal, one, Scope.APP)]
    with database.reading():
        found = members.of_apps(theirs)
    return {
        app_id: [MemberView(one.user.username, one.role, one.created_at) for one in of_app]
        for app_id, of_app in found.items()
    }
