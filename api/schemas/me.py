"""The caller, as they are to this server."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from api.schemas.values import Shown
from core.principals import Principal, PrincipalKind
from core.scopes import Role, Scope


class RoleInApp(Shown):
    """A user's role in an app."""

    app_name: str
    role: Role


class Me(Shown):
    """The caller: how they are known, and what they may do. `account_id` is the one that a key is bound to.

    `apps` are those of which the caller is a member; administrators, operators and local callers see all.
    """

    kind: PrincipalKind
    name: str
    user_id: UUID | None
    is_administrator: bool
    scopes: list[Scope]
    account_id: str | None
    apps: list[RoleInApp]

    @classmethod
    def of(cls, principal: Principal) -> Self:
        """The caller, who is this principal."""
        return cls(
            kind=principal.kind,
            name=principal.name,
            user_id=principal.user_id,
            is_administrator=principal.sees_all,
            scopes=[scope for scope in Scope if scope in principal.scopes],
            account_id=principal.account_id,
            apps=[RoleInApp(app_name=one.app_name, role=one.role) for one in principal.memberships],
        )
