"""Ends, for administrators, all tokens, sessions and links of a user at once, and the user's administration."""

from __future__ import annotations

from core.accounts import LinkPurpose
from core.auditing import Thing
from core.errors import NotFound
from core.principals import Principal
from models import links, tokens, users
from models.pauses import Gate
from services.system import System


def end(principal: Principal, system: System, username: str, reason: str | None = None) -> int:
    """End all tokens, sessions and links of a user, and take back their administration. Returns how many tokens ended.

    Users whom ADMIN_USERNAMES names stay administrators, and the user may log in again. Raises `NotFound`, and
    `Forbidden` unless for administrators.
    """
    principal.expect_administration()
    with system.transaction(Gate.UNUSED) as unit:
        found = users.by_username(username)
        user = None if found is None else users.lock(found.id)
        if user is None:
            raise NotFound("user", username)
        ended = tokens.remove_all(user.id)
        links.remove_of_user(user.id, tuple(LinkPurpose))
        users.set_admin(user.id, is_admin=False)
        before, after = {"administrator": user.is_admin}, {"administrator": False, "ended": ended}
        unit.audit(
            principal, "user.access_ended", Thing("user", user.username), before=before, after=after, reason=reason
        )
    return ended
