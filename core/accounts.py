"""What a user shows to be let in."""

from __future__ import annotations

from enum import StrEnum


class TokenKind(StrEnum):
    """A token of the API, or the session of a browser."""

    TOKEN = "token"  # noqa: S105  the name of a kind
    SESSION = "session"
