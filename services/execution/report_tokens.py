"""The tokens by which a receiver reports about one attempt: sent once with the callback, kept as their hash alone."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "carillon_report_"  # for scanners that look for secrets where none should be
_BYTES = 32


def new() -> str:
    """A token that nobody can guess: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
