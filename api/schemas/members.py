"""Members of apps as callers write them and get them."""

from __future__ import annotations

from datetime import datetime

from api.schemas.values import Given, RoleWord, Shown
from core.scopes import Role


class NewRole(Given):
    """The role that a user is to have."""

    role: RoleWord


class Member(Shown):
    """A user's role in an app."""

    username: str
    role: Role
    created_at: datetime


class Members(Shown):
    """An app's members, by name."""

    results: list[Member]
