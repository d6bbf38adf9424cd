"""The hash by which tokens and keys are kept and found."""

from __future__ import annotations

import hashlib


def hashed(token: str) -> str:
    """Returns the hash of a token or a key: it has 256 random bits, so a quick one will do."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
