"""Queries on the addresses from which users have logged in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core import names
from models.tables import KnownAddress, User


def is_known(username: str, address: str, since: datetime) -> bool:
    """Whether the user of this name has logged in from an address since then; a name that nobody has costs the same."""
    query = KnownAddress.select(KnownAddress.address).join(User)
    of_user = User.username_key.in_(names.keys(username)) & (KnownAddress.address == address)
    return query.where(of_user, KnownAddress.logged_in_at > since).limit(1).get_or_none() is not None


def put(user_id: UUID, address: str, now: datetime, since: datetime) -> None:
    """Store that a user has logged in from an address, and delete those where they have not since then."""
    KnownAddress.delete().where(KnownAddress.user == user_id, KnownAddress.logged_in_at <= since).execute()
    KnownAddress.insert(user=user_id, address=address, logged_in_at=now).on_conflict(
        conflict_target=[KnownAddress.user, KnownAddress.address], update={KnownAddress.logged_in_at: now}
    ).execute()
