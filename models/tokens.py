"""Queries on users' tokens and sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from core.accounts import TokenKind
from models.set_based import chunks
from models.tables import Token, User


def insert(user_id: UUID, hashed: str, kind: TokenKind, now: datetime, expires_at: datetime, **values: Any) -> Token:
    """Store a user's token until it expires, and delete those of the user that have expired."""
    Token.delete().where(Token.user == user_id, Token.expires_at <= now).execute()
    token: Token = Token.create(
        hash=hashed, user=user_id, kind=kind, created_at=now, used_at=now, expires_at=expires_at, **values
    )
    return token


def by_hash(hashed: str, now: datetime) -> Token | None:
    """Returns the token of this hash with its user, if it has not expired."""
    query = Token.select(Token, User).join(User).where(Token.hash == hashed, Token.expires_at > now)
    found: Token | None = query.get_or_none()
    return found


def by_hashes(hashes: Iterable[str], now: datetime) -> list[Token]:
    """Returns the tokens of these hashes with their users, those that have not expired."""
    queries = (
        Token.select(Token, User).join(User).where(Token.hash.in_(chunk), Token.expires_at > now)
        for chunk in chunks(hashes)
    )
    return [found for query in queries for found in query]


def of_user(user_id: UUID, now: datetime) -> list[Token]:
    """Returns a user's tokens and sessions that have not expired, newest first."""
    mine = (Token.user == user_id) & (Token.expires_at > now)
    return list(Token.select().where(mine).order_by(Token.created_at.desc(), Token.id.desc()))


def count_named(user_id: UUID) -> int:
    """Returns how many tokens a user has made for programs."""
    return int(Token.select().where(Token.user == user_id, Token.name.is_null(False)).count())


def mark_used(found: Token, now: datetime) -> None:
    """Record that a token was shown."""
    Token.update(used_at=now).where(Token.hash == found.hash).execute()


def drop(hashed: str, kind: TokenKind | None = None) -> None:
    """Delete a token, if it is of this kind."""
    is_meant = Token.hash == hashed if kind is None else (Token.hash == hashed) & (Token.kind == kind)
    Token.delete().where(is_meant).execute()


def remove(user_id: UUID, token_id: UUID) -> Token | None:
    """Delete a user's token of this id. Returns what it was."""
    mine = (Token.user == user_id) & (Token.id == token_id)
    token: Token | None = Token.get_or_none(mine)
    if token is not None:
        Token.delete().where(mine).execute()
    return token


def remove_logins(user_id: UUID, but: str | None = None) -> int:
    """Delete the sessions and the tokens of logins of a user, but the one of this hash. Returns how many."""
    logins = (Token.user == user_id) & Token.name.is_null()
    return int(Token.delete().where(logins if but is None else logins & (Token.hash != but)).execute())


def remove_all(user_id: UUID) -> int:
    """Delete all tokens and sessions of a user. Returns how many."""
    return int(Token.delete().where(Token.user == user_id).execute())
