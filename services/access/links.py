"""Links that can be used once: only the hash of a link's token is stored, and using the link deletes it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from core.accounts import LinkPurpose
from core.errors import InvalidInput
from core.token_hashes import hashed
from models import links, users
from models.tables import Link
from services.access.tokens import made
from services.access.users import is_active_administrator
from services.system import System

LIFETIMES = {
    LinkPurpose.RESET: timedelta(minutes=30),
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.ADMINISTRATOR: timedelta(days=1),
}
OF_ADMINISTRATORS = (LinkPurpose.RESET, LinkPurpose.ADMINISTRATOR)
"""Links that are valid only as long as the user who made them is an administrator."""
SAME_START = timedelta(minutes=1)
"""Processes that start within this time of each other start together."""
_PATHS = {
    LinkPurpose.RESET: "/reset/?token=",
    LinkPurpose.INVITATION: "/register/?invitation=",
    LinkPurpose.ADMINISTRATOR: "/register/?invitation=",
}


def issue(
    purpose: LinkPurpose,
    now: datetime,
    by: str,
    *,
    user_id: UUID | None = None,
    maker_id: UUID | None = None,
    email: str | None = None,
) -> tuple[str, Link]:
    """Returns a new token of a link and the link, stored in the caller's transaction."""
    token = made()
    expires_at = now + LIFETIMES[purpose]
    values = {"user": user_id, "maker": maker_id, "email": email}
    link = links.insert(purpose, now, expires_at, hash=hashed(token), created_by=by, **values)
    return token, link


def address(system: System, purpose: LinkPurpose, token: str) -> str:
    """Returns the address of the page where a link leads."""
    return f"{system.settings.address}{_PATHS[purpose]}{quote(token)}"


def found(token: str, purposes: Collection[LinkPurpose], now: datetime, field: str) -> Link:
    """Returns the link of a token. Raises `InvalidInput` if it opens nothing, or nothing more."""
    link = links.by_hash(hashed(token), purposes, now)
    if link is None:
        raise spent(field)
    return link


def expect_made_by_right(system: System, link: Link, field: str) -> None:
    """Raises `InvalidInput` if the maker of an administrator's link is no longer one, in the caller's transaction.

    Links made with the installation's secret, and those that were asked for by e-mail, have no such user.
    """
    maker_id = link.maker_id if link.purpose is LinkPurpose.RESET else link.user_id
    if link.purpose not in OF_ADMINISTRATORS or maker_id is None:
        return
    maker = users.by_ids({maker_id}).get(maker_id)
    if maker is None or not is_active_administrator(system, maker):
        raise spent(field)


def spend(link: Link, field: str) -> None:
    """Use a link up, in the caller's transaction. Raises `InvalidInput` if another request has done so meanwhile."""
    if not links.spend(link):
        raise spent(field)


def spent(field: str) -> InvalidInput:
    """Returns the refusal of a link that opens nothing."""
    return InvalidInput.at(field, "is wrong, has expired, or was used before: it opens once. Ask for another one.")
