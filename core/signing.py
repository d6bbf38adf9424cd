"""Signatures that prove that Carillon made a text."""

from __future__ import annotations

import hashlib
import hmac


def sign(key: bytes, *words: str) -> str:
    """Returns a signature of these texts, in this order."""
    message = b"".join(len(word.encode()).to_bytes(4) + word.encode() for word in words)
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def is_signed(key: bytes, signature: str, *words: str) -> bool:
    """Whether a signature is that of these texts, compared in constant time."""
    return hmac.compare_digest(sign(key, *words).encode(), signature.encode("utf-8", "replace"))
