"""Users: how they are shown, who is an administrator, and login."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from uuid import UUID

from core import names
from core.accounts import TokenKind
from core.errors import Forbidden, InvalidInput
from models import database, users
from models.pauses import Gate
from models.tables import User
from services.access import guesses, passwords, tokens
from services.access.login_throttle import Throttle
from services.system import System


@dataclass(frozen=True)
class UserView:
    """A user as they are shown."""

    id: UUID
    username: str
    email: str
    is_admin: bool


def log_in(
    system: System, username: str, password: str, *, address: str, throttle: Throttle, kind: TokenKind = TokenKind.TOKEN
) -> tuple[str, UserView]:
    """Returns a new token for a user who knows the password, and the user. Only the hash of the token is kept.

    An unknown user takes as long as a known one. Raises `InvalidInput`, `Forbidden` for a disabled user, or `TooMany`
    after too many guesses.
    """
    guess = guesses.count(system, throttle, username, address)
    with database.reading():
        user = users.by_username(username)
    if not passwords.fits(None if user is None else user.password_hash, password) or user is None:
        raise _wrong_credentials()
    guesses.forget(throttle, guess)
    with system.transaction(Gate.UNUSED) as unit:
        locked = users.lock(user.id)
        if locked is None or locked.password_hash != user.password_hash:  # changed since it was read
            raise _wrong_credentials()
        expect_enabled(locked)
        guesses.remember(user.id, guess, unit.now)
        token = tokens.log_in(user.id, kind, unit.now)
    return token, view(system, user)


def named(system: System, user_ids: set[UUID]) -> dict[UUID, UserView]:
    """Returns those users that have one of these ids."""
    with database.reading():
        return {key: view(system, user) for key, user in users.by_ids(user_ids).items()}


def view(system: System, user: User) -> UserView:
    """Returns a user as they are shown."""
    return UserView(user.id, user.username, user.email, has_admin_rights(system, user))


def expect_enabled(user: User) -> None:
    """Raises `Forbidden` for a user whom an administrator has disabled."""
    if user.disabled_at is not None:
        raise Forbidden("This account is disabled. Ask an administrator.")


def is_active_administrator(system: System, user: User) -> bool:
    """Whether a user may administer now: has an administrator's rights, and is not disabled."""
    return user.disabled_at is None and has_admin_rights(system, user)


def has_admin_rights(system: System, user: User) -> bool:
    """Whether a user is an administrator while enabled: by their row, or because ADMIN_USERNAMES names them."""
    return user.is_admin or is_in_admin_usernames(system, user.username)


def is_in_admin_usernames(system: System, username: str) -> bool:
    """Whether ADMIN_USERNAMES has this name, in whatever case; a name that only looks similar does not count."""
    return _in_lower_case(username) in set(map(_in_lower_case, _admins(system)))


def is_any_active_administrator(system: System) -> bool:
    """Whether any user who may log in is an administrator, in the caller's transaction."""
    named = filter(None, map(users.by_username, _admins(system)))
    return users.is_any_admin() or any(is_active_administrator(system, user) for user in named)


def resembles_admin_username(system: System, username: str) -> bool:
    """Whether a name could be mistaken for one in ADMIN_USERNAMES, and so is reserved."""
    return names.folded(username) in set(map(names.folded, _admins(system)))


def _admins(system: System) -> list[str]:
    return [name.strip() for name in system.settings.admin_usernames.split(",")]


def _in_lower_case(username: str) -> str:
    return unicodedata.normalize("NFC", username).lower()


def _wrong_credentials() -> InvalidInput:
    return InvalidInput.at("credentials", "Invalid credentials.")
