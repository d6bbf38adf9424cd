"""Authentication: from what a caller shows to the principal that they are."""

from __future__ import annotations

from core.accounts import TokenKind
from core.principals import Principal, PrincipalKind
from services.access import users
from services.system import System


def of_token(system: System, token: str, kind: TokenKind) -> Principal | None:
    """Returns the user whose token or session this is; None if it opens nothing."""
    user = users.authenticate(system, token, kind)
    if user is None:
        return None
    return Principal(PrincipalKind.USER, user.id, user.username, user.is_admin)
