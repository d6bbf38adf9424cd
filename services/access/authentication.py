"""Authentication: from what a caller shows to the principal that they are."""

from __future__ import annotations

from datetime import timedelta

from core.accounts import TokenKind
from core.principals import Membership, Principal, PrincipalKind
from core.scopes import ALL_SCOPES, Scope
from models import database, members, tokens
from models.pauses import Gate
from models.tables import Token
from services.access import users
from services.access.tokens import hashed, is_idle
from services.system import System

_USED_AGAIN_AFTER = timedelta(minutes=1)


def of_token(system: System, token: str, kind: TokenKind, *, is_use: bool = True) -> Principal | None:
    """Returns the user whose token or session this is; None if it was never given, has expired, or was idle too long.

    Unless `is_use`, this does not end the time for which it has been idle.
    """
    now = system.clock.now()
    with database.reading():
        found = tokens.by_hash(hashed(token), now)
        if found is None or found.kind is not kind or is_idle(found, now) or found.user.disabled_at is not None:
            return None
        memberships = tuple(Membership(*one) for one in members.of_user(found.user_id))
    if is_use and now - found.used_at >= _USED_AGAIN_AFTER:
        with system.transaction(Gate.UNUSED):
            tokens.mark_used(found, now)
    user = users.view(system, found.user)
    return Principal(
        PrincipalKind.USER,
        user.id,
        user.username,
        user.is_admin,
        memberships,
        scopes=scopes_of(found),
        credential=found.prefix or kind.value,
    )


def scopes_of(token: Token) -> frozenset[Scope]:
    """Returns the scopes of a stored token: all, unless it was made for some."""
    return ALL_SCOPES if token.scopes is None else frozenset(map(Scope, token.scopes))
