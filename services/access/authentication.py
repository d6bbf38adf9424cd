"""Authentication: finds the principal to whom a token or session belongs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from core.accounts import TokenKind
from core.principals import Membership, Principal, PrincipalKind
from core.scopes import ALL_SCOPES, Role, Scope
from core.token_hashes import hashed
from models import database, members, tokens
from models.pauses import Gate
from models.tables import Token
from services.access import users
from services.access.tokens import is_idle
from services.system import System

_USED_AGAIN_AFTER = timedelta(minutes=1)


def of_token(system: System, token: str, kind: TokenKind) -> Principal | None:
    """Returns the user whose token or session this is; None if it was never given, has expired, or was idle too long.

    This ends the time for which it has been idle.
    """
    now = system.clock.now()
    with database.reading():
        found = tokens.by_hash(hashed(token), now)
        if found is None or not _admits(found, kind, now):
            return None
        memberships = members.of_user(found.user_id)
    if now - found.used_at >= _USED_AGAIN_AFTER:
        with system.transaction(Gate.UNUSED):
            tokens.mark_used(found, now)
    return _principal(system, found, memberships)


def of_tokens(system: System, shown: Mapping[str, TokenKind]) -> dict[str, Principal]:
    """Returns the principals of the valid ones among these tokens and sessions.

    Does not count as a use of them, so it does not extend a session.
    """
    now = system.clock.now()
    by_hash = {hashed(token): token for token in shown}
    with database.reading():
        found = {by_hash[one.hash]: one for one in tokens.by_hashes(by_hash, now)}
        valid = {token: one for token, one in found.items() if _admits(one, shown[token], now)}
        memberships = members.memberships({one.user_id for one in valid.values()})
    return {token: _principal(system, one, memberships[one.user_id]) for token, one in valid.items()}


def _admits(found: Token, kind: TokenKind, now: datetime) -> bool:
    return found.kind is kind and not is_idle(found, now) and found.user.disabled_at is None


def _principal(system: System, found: Token, memberships: Iterable[tuple[UUID, str, Role]]) -> Principal:
    user = users.view(system, found.user)
    return Principal(
        PrincipalKind.USER,
        user.id,
        user.username,
        user.is_admin,
        tuple(Membership(*one) for one in memberships),
        scopes=scopes_of(found),
        expires_at=None if found.prefix is None else found.expires_at,
        credential=found.prefix or found.kind.value,
    )


def scopes_of(token: Token) -> frozenset[Scope]:
    """Returns the scopes of a stored token: all, unless it was made for some."""
    return ALL_SCOPES if token.scopes is None else frozenset(map(Scope, token.scopes))
