"""A user's own tokens and sessions: made for programs, listed, ended. A token is shown once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from core import instants
from core.accounts import TokenKind
from core.auditing import Thing
from core.errors import Conflict, Forbidden, InvalidInput, NotAuthenticated, NotFound
from core.principals import Principal
from core.scopes import Scope
from core.token_hashes import hashed
from models import database, identities, tokens, users
from models.pauses import Gate
from models.tables import Token
from services.access.authentication import scopes_of
from services.access.tokens import MARK, is_idle, made
from services.system import System

MAX_TOKENS = 100
LONGEST = timedelta(days=366)
USUAL = timedelta(days=30)
_PREFIX_BYTES = 4


@dataclass(frozen=True)
class NewToken:
    """A token to make: for which program, what it may do, until when."""

    name: str
    scopes: frozenset[Scope]
    expires_at: datetime | None = None


@dataclass(frozen=True)
class TokenView:
    """A token or session as its user sees it: of a login's, `name` and `prefix` are None.

    `is_current` is the one that the request showed.
    """

    id: UUID
    kind: TokenKind
    name: str | None
    prefix: str | None
    scopes: tuple[Scope, ...]
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    is_current: bool


def user_of(principal: Principal) -> UUID:
    """Returns the id of the user that the principal is. Raises `Forbidden` if it is no user."""
    if principal.user_id is None:
        raise Forbidden("This needs a user who is logged in. Log in, and send the token as Authorization: Bearer.")
    return principal.user_id


def listed(principal: Principal, system: System, shown: str | None) -> list[TokenView]:
    """Returns the caller's tokens and sessions that open something, newest first. `shown` is the one they show now."""
    now = system.clock.now()
    with database.reading():
        found = [token for token in tokens.of_user(user_of(principal), now) if not is_idle(token, now)]
    return [_view(token, shown) for token in found]


def create(principal: Principal, system: System, new: NewToken, shown: str | None) -> tuple[str, TokenView]:
    """Make a token; returns it, which is never shown again, and its view. `shown` is the one of the request.

    Raises `InvalidInput` for scopes that the caller does not have or an instant out of reach, `Conflict` for too many,
    `NotAuthenticated` if `shown` is not the caller's own or was ended meanwhile: what ends all tokens of a user locks
    the user, as this does.
    """
    with system.transaction(Gate.UNUSED) as unit:
        user_id = user_of(principal)
        expires_at = _expiry(new, unit.now)
        _refuse_scopes(principal, new)
        users.lock(user_id)
        parent = None if shown is None else tokens.by_hash(hashed(shown), unit.now)
        if parent is None or parent.user_id != user_id:
            raise NotAuthenticated
        latest = _latest(parent, unit.now)
        if expires_at > latest and new.expires_at is not None:
            raise InvalidInput.at(
                "expires_at", f"must be no later than {instants.shown(latest)}; log in again for a later one."
            )
        expires_at = min(expires_at, latest)
        if tokens.count_named(user_id) >= MAX_TOKENS:
            raise Conflict(f"You have {MAX_TOKENS} tokens already; revoke those that are no longer used.")
        prefix = MARK + secrets.token_hex(_PREFIX_BYTES)
        token = made(f"{prefix}_")
        scopes = [scope.value for scope in Scope if scope in new.scopes]
        named = {"name": new.name, "prefix": prefix, "scopes": scopes}
        stored = tokens.insert(user_id, hashed(token), TokenKind.TOKEN, unit.now, expires_at, **named)
        view = _view(stored, None)
        unit.audit(principal, "token.created", Thing("token", prefix), after=_recorded(view))
    return token, view


def revoke(principal: Principal, system: System, token_id: UUID) -> None:
    """Delete one of the caller's tokens or sessions; it opens nothing from then on. Raises `NotFound`."""
    with system.transaction(Gate.UNUSED) as unit:
        token = tokens.remove(user_of(principal), token_id)
        if token is None:
            raise NotFound("token of yours", token_id)
        thing = Thing("token", token.prefix or str(token.id))
        unit.audit(principal, "token.revoked", thing, before=_recorded(_view(token, None)))


def end_others(principal: Principal, system: System, shown: str | None) -> int:
    """End the caller's other sessions, and the tokens of other logins. Returns how many.

    What was made for programs stays.
    """
    with system.transaction(Gate.UNUSED) as unit:
        user_id = user_of(principal)
        ended = tokens.remove_logins(user_id, None if shown is None else hashed(shown))
        if ended:
            unit.audit(principal, "sessions.ended", Thing("user", principal.name), after={"ended": ended})
    return ended


def _expiry(new: NewToken, now: datetime) -> datetime:
    if new.expires_at is None:
        return now + USUAL
    if not now < new.expires_at <= now + LONGEST:
        raise InvalidInput.at(
            "expires_at",
            f"is {instants.shown(new.expires_at)}; give an instant in the future, at most {LONGEST.days} days ahead.",
        )
    return new.expires_at


def _latest(parent: Token, now: datetime) -> datetime:
    """Returns the latest expiry of a token that is created with another one.

    A program's token creates no token that outlasts it. Users of single sign-on must log in again from time to time, so
    that their groups are read again: a token created in a session lasts `USUAL`, one created with a login's token no
    longer than that.
    """
    if parent.prefix is not None:
        return cast("datetime", parent.expires_at)
    if not identities.is_known(parent.user_id):
        return now + LONGEST
    return parent.expires_at if parent.kind is TokenKind.TOKEN else now + USUAL


def _refuse_scopes(principal: Principal, new: NewToken) -> None:
    beyond = sorted(new.scopes - principal.scopes)
    if beyond:
        raise InvalidInput.at("scopes", f"has {', '.join(beyond)}, which you do not have; leave it out.")


def _recorded(view: TokenView) -> dict[str, Any]:
    return {"name": view.name, "kind": view.kind, "scopes": view.scopes, "expires_at": view.expires_at.isoformat()}


def _view(token: Token, shown: str | None) -> TokenView:
    scopes = scopes_of(token)
    return TokenView(
        token.id,
        token.kind,
        token.name,
        token.prefix,
        tuple(scope for scope in Scope if scope in scopes),
        token.created_at,
        token.used_at,
        token.expires_at,
        shown is not None and token.hash == hashed(shown),
    )
