"""Who asks for the usage of accounts, and what they are shown."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from core.principals import LOCAL, Membership, Principal, PrincipalKind
from core.scopes import Role
from models import database
from models.tables import App
from services.reading.statistics.account_usage import AccountUsage, UsageView, WantedUsage
from tests.factories import GivenSystem

SOMEBODY = Principal(PrincipalKind.USER, uuid4(), "ada")


def used(system: GivenSystem, principal: Principal = LOCAL, **wanted: object) -> list[UsageView]:
    return list(AccountUsage(system).of(principal, replace(WantedUsage(), **wanted)).accounts)  # type: ignore[arg-type]  # as given


def names(found: list[UsageView]) -> list[str]:
    return [one.account_id for one in found]


def of(system: GivenSystem, app_name: str, role: Role = Role.VIEWER, account: str | None = None) -> Principal:
    """A member of an app, or a key of it that is bound to an account."""
    with database.reading():
        app_id = App.get(App.name == app_name).id
    kind = PrincipalKind.USER if account is None else PrincipalKind.KEY
    known = Principal(kind, memberships=(Membership(app_id, app_name, role),), account_id=account)
    return replace(known, user_id=uuid4()) if account is None else replace(known, key_id=uuid4())
