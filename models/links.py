"""Queries on the links that open something once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from core.accounts import LinkPurpose
from models.database import for_update, is_sqlite
from models.tables import Link, User, db


def insert(purpose: LinkPurpose, now: datetime, expires_at: datetime, **values: Any) -> Link:
    """Store a link."""
    link: Link = Link.create(purpose=purpose, created_at=now, expires_at=expires_at, **values)
    return link


def by_hash(hashed: str, purposes: Collection[LinkPurpose], now: datetime) -> Link | None:
    """Returns the link of this hash, if it is for one of these purposes and has not expired."""
    link: Link | None = Link.get_or_none(
        Link.hash == hashed, Link.purpose.in_([one.value for one in purposes]), Link.expires_at > now
    )
    return link


def spend(link: Link) -> bool:
    """Delete a link. Returns whether it was still there, so that it opens only once."""
    return bool(Link.delete().where(Link.id == link.id).execute())


def of_purpose(purposes: Collection[LinkPurpose], now: datetime) -> list[Link]:
    """Returns the links for these purposes that have not expired, newest first."""
    wanted = Link.purpose.in_([one.value for one in purposes]) & (Link.expires_at > now)
    return list(Link.select().where(wanted).order_by(Link.id.desc()))


def remove(link_id: UUID, purposes: Collection[LinkPurpose]) -> Link | None:
    """Delete a link by its id, if it is for one of these purposes. Returns the deleted link."""
    wanted = (Link.id == link_id) & Link.purpose.in_([one.value for one in purposes])
    link: Link | None = Link.get_or_none(wanted)
    return link if link is not None and spend(link) else None


def remove_of_user(user_id: UUID, purposes: Collection[LinkPurpose]) -> None:
    """Delete the links for these purposes that were made for or by a user."""
    theirs = (Link.user == user_id) | (Link.maker == user_id)
    Link.delete().where(theirs, Link.purpose.in_([one.value for one in purposes])).execute()


def remove_for_user(user_id: UUID, purpose: LinkPurpose) -> None:
    """Delete the links for this purpose that open a user's account."""
    Link.delete().where(Link.user == user_id, Link.purpose == purpose.value).execute()


def remove_of_maker(user_id: UUID, purposes: Collection[LinkPurpose]) -> None:
    """Delete the links for these purposes that a user made."""
    made_by_them = (Link.maker == user_id) | ((Link.user == user_id) & (Link.purpose != LinkPurpose.RESET.value))
    Link.delete().where(made_by_them, Link.purpose.in_([one.value for one in purposes])).execute()


def lock_all() -> None:
    """Lock the table until the transaction ends: links are made by one transaction at a time."""
    if not is_sqlite():  # whose writer is alone anyway
        db.execute_sql("LOCK TABLE links IN SHARE ROW EXCLUSIVE MODE")


def made_since(by: str, instant: datetime) -> bool:
    """Whether somebody made a link after an instant that was not used yet."""
    return Link.get_or_none(Link.created_by == by, Link.created_at > instant) is not None


def remove_made_by(by: str) -> None:
    """Delete the links that somebody made."""
    Link.delete().where(Link.created_by == by).execute()


def to_send(now: datetime) -> tuple[Link, User] | None:
    """Returns the oldest link to send now, locked, and its user; links locked by another process are skipped."""
    is_due = Link.put_off_until.is_null() | (Link.put_off_until <= now)
    waiting = Link.hash.is_null() & Link.user.is_null(False) & (Link.expires_at > now) & is_due
    oldest = Link.select(Link.id).where(waiting).order_by(Link.created_at).limit(1)
    found = [link.id for link in for_update(oldest, skip_locked=True)]
    link: Link | None = Link.get_or_none(Link.id == found[0]) if found else None
    user: User | None = None if link is None else User.get_or_none(User.id == link.user_id)
    return None if link is None or user is None else (link, user)


def set_sent(link: Link, hashed: str, expires_at: datetime) -> None:
    """Store the hash of a link that is sent, and until when it opens."""
    Link.update(hash=hashed, expires_at=expires_at).where(Link.id == link.id).execute()


def put_off(link: Link, until: datetime) -> None:
    """Undo that a link was marked as sent: it is sent again from an instant on, and expires as before."""
    Link.update(hash=None, expires_at=link.expires_at, put_off_until=until).where(Link.id == link.id).execute()


def prune(now: datetime, limit: int) -> int:
    """Delete links that have expired. Returns how many."""
    expired = Link.select(Link.id).where(Link.expires_at <= now).limit(limit)
    return int(Link.delete().where(Link.id.in_(expired)).execute())
