"""The kinds of token by which a user is authenticated."""

from __future__ import annotations

from enum import StrEnum

SESSION_COOKIE = "carillon_session"
"""The cookie by which a browser shows its session."""


class TokenKind(StrEnum):
    """A token of the API, or the session of a browser."""

    TOKEN = "token"  # noqa: S105  the name of a kind
    SESSION = "session"
