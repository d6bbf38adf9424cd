"""Tokens with which a receiver reports about one attempt: sent with the callback; only their hash is stored."""

from __future__ import annotations

import secrets

PREFIX = "carillon_report_"  # lets secret scanners recognise a leaked token
_BYTES = 32


def new() -> str:
    """Returns a new token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_BYTES)
