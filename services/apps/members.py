"""Members of apps: who has which role. An app that has members always has an owner among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core import built_in_apps, json_text
from core.auditing import Thing
from core.errors import Conflict, InvalidInput, NotFound
from core.principals import Principal, PrincipalKind
from core.scopes import Role, Scope
from models import apps, database, members, users
from models.pauses import Gate
from models.tables import App, AppMember, User
from services.access import visible_apps
from services.system import System


@dataclass(frozen=True)
class MemberView:
    """A member as they are shown."""

    username: str
    role: Role
    created_at: datetime


def listed(principal: Principal, app_name: str) -> list[MemberView]:
    """Returns an app's members, by name. Raises as `visible_apps.found` does."""
    with database.reading():
        app = visible_apps.found(principal, app_name, Scope.APP)
        return [MemberView(one.user.username, one.role, one.created_at) for one in members.of_app(app)]


def get(principal: Principal, app_name: str, username: str) -> MemberView:
    """Returns one member. Raises `NotFound`."""
    with database.reading():
        app = visible_apps.found(principal, app_name, Scope.APP)
        user, member = _member(app, username)
        return MemberView(user.username, member.role, member.created_at)


def put(principal: Principal, system: System, app_name: str, username: str, role: Role) -> tuple[MemberView, bool]:
    """Give a user this role in an app; the member, and whether they are new.

    Raises `InvalidInput` for an unknown user, `Conflict` if the app would lose its last owner, or is a shared one, and
    `Forbidden` for a role with scopes that the principal does not have. Also refuses a key that ends: the role would
    outlast it. A token that ends may give roles, since the command line has no other.
    """
    principal.expect_scopes(role.scopes)
    if principal.kind is PrincipalKind.KEY:
        principal.expect_no_end("The role that you give")
    with system.transaction(Gate.UNUSED) as unit:
        app = _locked(principal, app_name)
        user = _user(username)
        if user is None:
            raise InvalidInput.at("username", f"is {username!a}, who is no user here; they register first.")
        former = members.one(app, user)
        if role is not Role.OWNER:
            _refuse_without_owner(app, user)
        members.put(app, user.id, role, unit.now)
        unit.audit(
            principal,
            "member.added" if former is None else "member.changed",
            Thing("member", user.username, app.id),
            before=None if former is None else {"role": former.role},
            after={"role": role},
        )
        return MemberView(user.username, role, unit.now if former is None else former.created_at), former is None


def remove(principal: Principal, system: System, app_name: str, username: str) -> None:
    """Take a user out of an app. Raises `NotFound`, and `Conflict` if they are its last owner."""
    with system.transaction(Gate.UNUSED) as unit:
        app = _locked(principal, app_name)
        user, member = _member(app, username)
        _refuse_without_owner(app, user)
        members.remove(app, user)
        thing = Thing("member", user.username, app.id)
        unit.audit(principal, "member.removed", thing, before={"role": member.role})


def _locked(principal: Principal, app_name: str) -> App:
    """Returns the app, locked: two owners who remove each other at once leave one of them."""
    app = visible_apps.found(principal, app_name, Scope.APP)
    if app.name in built_in_apps.NAMES:
        raise Conflict(f"The app {app.name} is shared: each user sees only their own jobs there. Make another app.")
    apps.lock(app)
    return app


def _member(app: App, username: str) -> tuple[User, AppMember]:
    user = _user(username)
    member = None if user is None else members.one(app, user)
    if user is None or member is None:
        raise NotFound(f"member of {app.name} named", ascii(username))
    return user, member


def _user(username: str) -> User | None:
    return None if json_text.bad_text(username) else users.by_username(username)


def _refuse_without_owner(app: App, user: User) -> None:
    """Raises `Conflict` if this user is the only owner."""
    if members.owner_ids(app) == {user.id}:
        raise Conflict(f"{user.username} is the last owner of {app.name}; make another member an owner first.")
