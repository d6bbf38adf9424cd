"""Signatures of the requests that Carillon sends, by Standard Webhooks (https://www.standardwebhooks.com).

A secret is written `whsec_` and its bytes in base64; the bytes are the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64
NEW_BYTES = 32
_SHOWN = 4


def secret_of(key: bytes) -> str:
    """Returns a key as receivers are given it."""
    return PREFIX + base64.b64encode(key).decode("ascii")


def key_of(secret: str) -> bytes:
    """Returns the key that a secret stands for. Raises `ValueError`, whose message does not repeat the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError(
            f"is no signing secret; write {PREFIX} and {MIN_BYTES} to {MAX_BYTES} random bytes in base64, "
            "or leave it out to be given one."
        )
    return key


def hint_of(key: bytes) -> str:
    """Returns the end of a secret, by which those who have it can identify it."""
    return secret_of(key).rstrip("=")[-_SHOWN:]


def masked(hint: str) -> str:
    """Returns a secret as it is shown."""
    return f"{PREFIX}****{hint}"


def headers(keys: Iterable[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Returns the headers that sign a message with each of these keys."""
    timestamp = str(math.floor(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(key, signed)}" for key in keys),
    }


def _signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")
