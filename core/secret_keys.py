"""Reads SECRET_KEYS: the keys that secrets are sealed with."""

from __future__ import annotations

import base64
import binascii

SETTING = "SECRET_KEYS"
_KEY_BYTES = 32
_HOW = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"


def listed(text: str) -> tuple[str, ...]:
    """Returns the keys of a comma-separated list. Raises `ValueError`, whose message is the rule and holds no key."""
    keys = tuple(filter(None, map(str.strip, text.split(","))))
    if text and not keys:
        raise ValueError(f"names no key; make one with: {_HOW}")
    for place, key in enumerate(keys, start=1):
        if not _is_key(key):
            raise ValueError(
                f"holds as number {place} what is no Fernet key: 32 bytes in URL-safe base64, 44 characters. "
                f"Make one with: {_HOW}"
            )
    return keys


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False
