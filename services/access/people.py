"""User administration: who may log in, who is an administrator, and links to set a new password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.accounts import LinkPurpose
from core.auditing import Thing
from core.errors import Conflict, Forbidden, NotFound
from core.principals import Principal
from core.scopes import ALL_SCOPES, Role
from models import database, links, members, tokens, users
from models.pauses import Gate
from models.tables import User
from services.access import links as issued
from services.access.users import has_admin_rights, is_active_administrator, is_in_admin_usernames
from services.system import System


@dataclass(frozen=True)
class RoleInApp:
    """A role of a user in an app."""

    app_name: str
    role: Role


@dataclass(frozen=True)
class PersonView:
    """A user as administrators see them; `is_named` in ADMIN_USERNAMES. `seen_at` is None if it is not known."""

    username: str
    email: str
    is_admin: bool
    is_named: bool
    has_password: bool
    created_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None
    apps: tuple[RoleInApp, ...]


@dataclass(frozen=True)
class Change:
    """What is to be changed of a user; None leaves it as it is."""

    disabled: bool | None = None
    administrator: bool | None = None


def listed(
    principal: Principal, system: System, search: str | None, after: str | None, limit: int
) -> tuple[list[PersonView], bool]:
    """Returns users by name, and whether more follow. Raises `Forbidden` unless for administrators."""
    principal.expect_administration()
    with database.reading():
        found = users.page(search, after, limit + 1)
        apps = members.of_users({one.user.id for one in found})
    views = [_view(system, one.user, one.seen_at, apps[one.user.id]) for one in found[:limit]]
    return views, len(found) > limit


def change(
    principal: Principal, system: System, username: str, wanted: Change, reason: str | None = None
) -> PersonView:
    """Disable or enable a user, grant or revoke administration. Returns the changed user.

    A disabled user is logged out everywhere and cannot log in. Their jobs go on, and keys that they made stay valid.
    Links to a password or to administration that they made end when they are disabled or demoted.
    Raises `NotFound`, `Conflict` for oneself, or to take back what ADMIN_USERNAMES gives, and `Forbidden` unless for
    administrators; who makes one, or enables one, must have every scope, by a login or the secret.
    """
    principal.expect_administration()
    if wanted.administrator:
        _expect_to_outlast(principal)
    with system.transaction(Gate.UNUSED) as unit:
        user = _locked(principal, system, username)
        _refuse_oneself(principal, user, "ask another administrator, so that one is left.")
        _refuse_named(system, user, wanted)
        before, after = _changes(user, wanted)
        if after.get("disabled") is False and has_admin_rights(system, user):
            _expect_to_outlast(principal)
        if "disabled" in after:
            _set_disabled(user, unit.now if wanted.disabled else None)
        if "administrator" in after:
            users.set_admin(user.id, is_admin=wanted.administrator is True)
            if not wanted.administrator:
                links.remove_of_maker(user.id, issued.OF_ADMINISTRATORS)
        if after:
            thing = Thing("user", user.username)
            unit.audit(principal, "user.changed", thing, before=before, after=after, reason=reason)
        [changed] = users.by_ids({user.id}).values()
        return _view(system, changed, None, members.of_users([user.id])[user.id])


def reset(principal: Principal, system: System, username: str, reason: str | None = None) -> str:
    """Make a link by which a user sets a new password, valid for half an hour; it is shown only once.

    Raises `NotFound`, `Conflict` for oneself, for a user without a password here, and for a disabled one, and
    `Forbidden` unless for administrators, by a login; with every scope, for the link opens the whole account.
    """
    principal.expect_administration()
    principal.expect_scopes(ALL_SCOPES)
    principal.expect_no_end("The password that somebody sets by your link")
    with system.transaction(Gate.UNUSED) as unit:
        user = _locked(principal, system, username)
        _refuse_oneself(
            principal, user, "change your password with the one that you have, or ask for a link by e-mail."
        )
        if not user.password_hash:
            raise Conflict(f"{user.username} logs in by single sign-on, and has no password here.")
        if user.disabled_at is not None:
            raise Conflict(f"{user.username} is disabled; enable them first.")
        links.remove_for_user(user.id, LinkPurpose.RESET)
        maker_id = principal.user_id
        token, _link = issued.issue(LinkPurpose.RESET, unit.now, principal.label, user_id=user.id, maker_id=maker_id)
        unit.audit(principal, "password.reset_offered", Thing("user", user.username), reason=reason)
    return issued.address(system, LinkPurpose.RESET, token)


def _locked(principal: Principal, system: System, username: str) -> User:
    """Returns the user of this name, locked together with the caller, so that two cannot remove each other's rights."""
    found = users.by_username(username)
    ids: set[UUID | None] = {principal.user_id, None if found is None else found.id}
    locked = {user.id: user for user in map(users.lock, sorted(filter(None, ids))) if user is not None}
    if principal.user_id is not None:
        _expect_still_administrator(system, locked.get(principal.user_id))
    user = None if found is None else locked.get(found.id)
    if user is None:
        raise NotFound("user", username)
    return user


def _expect_still_administrator(system: System, asking: User | None) -> None:
    if asking is None or not is_active_administrator(system, asking):
        raise Forbidden("You are no longer an administrator; somebody has changed that meanwhile.")


def _expect_to_outlast(principal: Principal) -> None:
    principal.expect_scopes(ALL_SCOPES)
    principal.expect_no_end("An administrator whom you make")


def _refuse_oneself(principal: Principal, user: User, remedy: str) -> None:
    if principal.user_id == user.id:
        raise Conflict(f"That would be yourself: {remedy}")


def _refuse_named(system: System, user: User, wanted: Change) -> None:
    if wanted.administrator is False and is_in_admin_usernames(system, user.username):
        raise Conflict(f"The setting ADMIN_USERNAMES names {user.username} an administrator; change it there.")


def _changes(user: User, wanted: Change) -> tuple[dict[str, bool], dict[str, bool]]:
    """Returns the members that change, with their old and their new values."""
    now = {"disabled": user.disabled_at is not None, "administrator": user.is_admin}
    new = {"disabled": wanted.disabled, "administrator": wanted.administrator}
    after = {name: value for name, value in new.items() if value is not None and value is not now[name]}
    return {name: now[name] for name in after}, after


def _set_disabled(user: User, at: datetime | None) -> None:
    users.set_disabled(user.id, at)
    if at is not None:
        tokens.remove_all(user.id)
        links.remove_of_user(user.id, tuple(LinkPurpose))


def _view(system: System, user: User, seen_at: datetime | None, apps: list[tuple[str, Role]]) -> PersonView:
    return PersonView(
        username=user.username,
        email=user.email,
        is_admin=has_admin_rights(system, user),
        is_named=is_in_admin_usernames(system, user.username),
        has_password=bool(user.password_hash),
        created_at=user.created_at,
        seen_at=seen_at,
        disabled_at=user.disabled_at,
        apps=tuple(RoleInApp(*one) for one in apps),
    )
