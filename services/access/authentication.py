"""Authentication: from what a caller shows to the principal that they are."""

from __future__ import annotations

from core.accounts import TokenKind
from core.principals import Membership, Principal, PrincipalKind
from models import database, members
from services.access import users
from services.system import System


def of_token(system: System, token: str, kind: TokenKind, *, is_use: bool = True) -> Principal | None:
    """Returns the user whose token or session this is, as `users.authenticate` does; None if it opens nothing."""
    user = users.authenticate(system, token, kind, is_use=is_use)
    if user is None:
        return None
    with database.reading():
        memberships = tuple(Membership(*one) for one in members.of_user(user.id))
    return Principal(PrincipalKind.USER, user.id, user.username, user.is_admin, memberships, credential=kind.value)
