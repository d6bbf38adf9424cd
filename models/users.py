"""Queries on users, their tokens and sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import peewee

from core import names
from core.accounts import TokenKind
from models.tables import Token, User


def insert(username: str, email: str, password_hash: str, now: datetime) -> User | None:
    """Store a user; None if the name or the address is another's."""
    values = {
        "username": username,
        "username_key": names.folded(username),
        "email": email,
        "password_hash": password_hash,
        "created_at": now,
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


def keep_token(user: User, hashed: str, kind: TokenKind, now: datetime, expires_at: datetime) -> None:
    """Store a user's token until it expires, and delete those of the user that have expired."""
    Token.delete().where(Token.user == user.id, Token.expires_at <= now).execute()
    Token.insert(hash=hashed, user=user.id, kind=kind, created_at=now, used_at=now, expires_at=expires_at).execute()


def token(hashed: str, now: datetime) -> Token | None:
    """Returns the token of this hash with its user, if it has not expired."""
    query = Token.select(Token, User).join(User).where(Token.hash == hashed, Token.expires_at > now)
    found: Token | None = query.get_or_none()
    return found


def mark_used(found: Token, now: datetime) -> None:
    """Record that a token was shown."""
    Token.update(used_at=now).where(Token.hash == found.hash).execute()


def drop_token(hashed: str) -> None:
    """Delete a token."""
    Token.delete().where(Token.hash == hashed).execute()
