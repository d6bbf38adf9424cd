"""Queries on users."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core import names
from models.database import for_update
from models.tables import Token, User


def insert(username: str, email: str, password_hash: str, now: datetime, *, is_admin: bool = False) -> User | None:
    """Store a user; None if the name or the address is another's."""
    values = {
        "username": username,
        "username_key": names.folded(username),
        "email": email,
        "password_hash": password_hash,
        "created_at": now,
        "is_admin": is_admin,
    }
    user = User(**values)
    stored = User.insert(id=user.id, **values).on_conflict(action="NOTHING").returning(User.id)
    return user if list(stored.execute()) else None


def by_username(username: str) -> User | None:
    """Returns the user of this name, however it is spelled."""
    key, old = names.keys(username)
    found = {user.username_key: user for user in User.select().where(User.username_key.in_([key, old]))}
    return found.get(old) or found.get(key)


def by_email(email: str) -> User | None:
    """Returns the user of this address, however it is capitalised."""
    return User.get_or_none(peewee.fn.LOWER(User.email) == peewee.fn.LOWER(email))


def by_ids(user_ids: set[UUID]) -> dict[UUID, User]:
    """Returns those users that have one of these ids."""
    return {user.id: user for user in User.select().where(User.id.in_(sorted(user_ids)))}


def is_any_admin() -> bool:
    """Whether any user who may log in is an administrator, whatever the setting says."""
    return User.select(User.id).where(User.is_admin, User.disabled_at.is_null()).limit(1).get_or_none() is not None


def lock(user_id: UUID) -> User | None:
    """Returns a user, locked until the transaction ends."""
    found = list(for_update(User.select().where(User.id == user_id)))
    return found[0] if found else None


def set_admin(user_id: UUID, *, is_admin: bool) -> None:
    """Store whether a user is an administrator, whatever the setting says."""
    User.update(is_admin=is_admin).where(User.id == user_id).execute()


def set_password(user_id: UUID, password_hash: str) -> None:
    """Store the hash of a user's new password."""
    User.update(password_hash=password_hash).where(User.id == user_id).execute()


def set_disabled(user_id: UUID, at: datetime | None) -> None:
    """Store since when a user may not log in; None: the user may."""
    User.update(disabled_at=at).where(User.id == user_id).execute()


class SeenUser(NamedTuple):
    """A user, and when they last used any of their existing tokens and sessions."""

    user: User
    seen_at: datetime | None


def page(search: str | None, after: str | None, limit: int) -> list[SeenUser]:
    """Returns users in the order of their names, those whose name or address has a text in it, from one name on."""
    seen: Any = peewee.fn.MAX(Token.used_at)
    newest = Token.select(Token.user, seen.alias("seen_at")).group_by(Token.user)
    query: Any = User.select(User, newest.c.seen_at).join(
        newest, peewee.JOIN.LEFT_OUTER, on=(newest.c.user_id == User.id)
    )
    if search is not None:
        query = query.where(User.username_key.contains(names.folded(search)) | User.email.contains(search))
    if after is not None:
        last = by_username(after)  # a key may be longer than the folded name
        query = query.where(User.username_key > (names.folded(after) if last is None else last.username_key))
    rows = query.order_by(User.username_key).limit(limit).objects()
    return [SeenUser(user, Token.used_at.python_value(user.seen_at)) for user in rows]
