"""Users: registration, login, and the tokens that authenticate them."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core import names, networks
from core.accounts import TokenKind
from core.errors import InvalidInput
from models import database, users
from models.pauses import Gate
from models.tables import User
from services.access.login_throttle import Throttle
from services.system import System

LIFETIMES = {TokenKind.TOKEN: timedelta(days=30), TokenKind.SESSION: timedelta(hours=12)}
IDLE = {TokenKind.SESSION: timedelta(minutes=30)}
# Tries within five minutes from one address, those of them for one account that failed, and these from anywhere.
MOST_OF_ADDRESS = 100
MOST_OF_ACCOUNT = 10
MOST_AT_ACCOUNT = 50
_USED_AGAIN_AFTER = timedelta(minutes=1)
_TOKEN_BYTES = 32
MARK = "carillon_"  # lets scanners for leaked secrets know a token of ours

# What OWASP recommends for argon2id with least memory: 19 MiB, two passes.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe())


@dataclass(frozen=True)
class UserView:
    """A user as they are shown."""

    id: UUID
    username: str
    email: str
    is_admin: bool


@dataclass(frozen=True)
class NewUser:
    """A user to register."""

    username: str
    email: str
    password: str


def register(system: System, new: NewUser, address: str, throttle: Throttle, *, trusted: bool) -> UserView:
    """Register a user; only a `trusted` caller may take an administrator's name.

    Raises `InvalidInput` if the name or the address is taken, `TooMany` if one address registers too often.
    """
    throttle.take(("register", networks.place(address)), MOST_OF_ADDRESS)
    if _looks_like_admin(system, new.username) and not trusted:
        raise _taken("username")
    with database.reading():
        _refuse_taken(new)
    password_hash = _hasher.hash(new.password)
    with system.transaction(Gate.UNUSED):
        stored = users.insert(new.username, new.email, password_hash, system.clock.now())
        if stored is None:
            _refuse_taken(new)
            raise _taken("username")
        return _view(system, stored)


def log_in(
    system: System, username: str, password: str, *, address: str, throttle: Throttle, kind: TokenKind = TokenKind.TOKEN
) -> tuple[str, UserView]:
    """Returns a new token for a user who knows the password, and the user. Only the hash of the token is kept.

    An unknown user takes as long as a known one. Raises `InvalidInput`, or `TooMany` after too many guesses.
    """
    throttle.take(("login from", networks.place(address)), MOST_OF_ADDRESS)
    at_account, from_address = _attempts(username, address)
    throttle.take(from_address, MOST_OF_ACCOUNT)
    throttle.take(at_account, MOST_AT_ACCOUNT)
    now = system.clock.now()
    with database.reading():
        user = users.by_username(username)
    if not _fits(user, password) or user is None:
        raise InvalidInput.at("credentials", "Invalid credentials.")
    throttle.forget(from_address)
    throttle.give_back(at_account)
    token = f"{MARK}{secrets.token_urlsafe(_TOKEN_BYTES)}"
    with system.transaction(Gate.UNUSED):
        users.keep_token(user, _hash(token), kind, now, now + LIFETIMES[kind])
    return token, _view(system, user)


def authenticate(system: System, token: str, kind: TokenKind, *, is_use: bool = True) -> UserView | None:
    """Returns the user whose token this is; None if it was never given, has expired, or has been idle for too long.

    Unless `is_use`, this does not end the time for which it has been idle.
    """
    now = system.clock.now()
    with database.reading():
        found = users.token(_hash(token), now)
    if found is None or found.kind is not kind or _is_idle(kind, found.used_at, now):
        return None
    if is_use and now - found.used_at >= _USED_AGAIN_AFTER:
        with system.transaction(Gate.UNUSED):
            users.mark_used(found, now)
    return _view(system, found.user)


def log_out(system: System, token: str) -> None:
    """Revoke a token."""
    with system.transaction(Gate.UNUSED):
        users.drop_token(_hash(token))


def named(system: System, user_ids: set[UUID]) -> dict[UUID, UserView]:
    """Returns those users that have one of these ids."""
    with database.reading():
        return {key: _view(system, user) for key, user in users.by_ids(user_ids).items()}


def is_admin(system: System, username: str) -> bool:
    """Whether a name is an administrator's, in whatever case; what only looks like one is not."""
    return _in_lower_case(username) in set(map(_in_lower_case, _admins(system)))


def _looks_like_admin(system: System, username: str) -> bool:
    return names.folded(username) in set(map(names.folded, _admins(system)))


def _admins(system: System) -> list[str]:
    return [name.strip() for name in system.settings.admin_usernames.split(",")]


def _in_lower_case(username: str) -> str:
    return unicodedata.normalize("NFC", username).lower()


def _attempts(username: str, address: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the two keys that login attempts are counted by: the account, and the account from an address."""
    account = ("login", names.folded(username))
    return account, (*account, networks.place(address))


def _refuse_taken(new: NewUser) -> None:
    if users.by_username(new.username) is not None:
        raise _taken("username")
    if users.by_email(new.email) is not None:
        raise _taken("email")


def _taken(field: str) -> InvalidInput:
    return InvalidInput.at(field, f"{field.capitalize()} already exists.")


def _fits(user: User | None, password: str) -> bool:
    try:
        return _hasher.verify(_NOBODYS_HASH if user is None else user.password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _is_idle(kind: TokenKind, used_at: datetime, now: datetime) -> bool:
    return kind in IDLE and now - used_at > IDLE[kind]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _view(system: System, user: User) -> UserView:
    return UserView(user.id, user.username, user.email, is_admin(system, user.username))
