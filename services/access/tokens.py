"""Users' tokens and sessions: what they look like, how long they last; only their hashes are kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from core.accounts import TOKEN_MARK, TokenKind
from core.token_hashes import hashed
from models import tokens
from models.pauses import Gate
from models.tables import Token
from services.system import System

LIFETIMES = {TokenKind.TOKEN: timedelta(days=30), TokenKind.SESSION: timedelta(hours=12)}
IDLE = {TokenKind.SESSION: timedelta(minutes=30)}
MARK = TOKEN_MARK
_BYTES = 32


def made(prefix: str = MARK) -> str:
    """Returns a new token with this prefix."""
    return f"{prefix}{secrets.token_urlsafe(_BYTES)}"


def log_in(user_id: UUID, kind: TokenKind, now: datetime) -> str:
    """Returns a new token for a user who has logged in, stored in the caller's transaction."""
    token = made()
    tokens.insert(user_id, hashed(token), kind, now, now + LIFETIMES[kind])
    return token


def log_out(system: System, token: str) -> None:
    """Revoke a token."""
    with system.transaction(Gate.UNUSED):
        tokens.drop(hashed(token))


def end_session(system: System, token: str) -> None:
    """End a session; any other token stays."""
    with system.transaction(Gate.UNUSED):
        tokens.drop(hashed(token), TokenKind.SESSION)


def is_idle(token: Token, now: datetime) -> bool:
    """Whether a token has not been used for too long."""
    return token.kind in IDLE and now - token.used_at > IDLE[token.kind]
