"""Requests that are carried out once, however often they are sent: under an Idempotency-Key.

The key's row is written in the transaction of what was asked for. So two at once are one, a request that failed leaves
no key, and the answer is as lasting as the thing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.errors import KeyReused
from models import database, idempotency
from services.system import System

KEPT = timedelta(hours=24)
BATCH = 1_000


@dataclass(frozen=True)
class Request:
    """What is asked for under a key: the scope tells whose key it is, and for what; the fingerprint, which request."""

    scope: str
    key: str
    fingerprint: str


def fingerprint(body: Any) -> str:
    """What tells a JSON value from others: neither spaces nor the order of members matter."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def earlier_answer(request: Request | None, now: datetime) -> Any:
    """The answer given to the same request before; None where there is none, and the key is this transaction's.

    Raises `KeyReused`, or `Conflict` when the first request under the key takes too long.
    """
    if request is None:
        return None
    while not idempotency.take(request.scope, request.key, request.fingerprint, now, now - KEPT):
        earlier = idempotency.taken(request.scope, request.key)
        if earlier is None:  # pruned meanwhile
            continue
        if earlier.fingerprint != request.fingerprint:
            raise KeyReused(request.key)
        return earlier.answer
    return None


def keep_answer(request: Request | None, answer: Any) -> None:
    """Keep what is answered under the key that this transaction took."""
    if request is not None:
        idempotency.set_answer(request.scope, request.key, answer)


def prune(system: System) -> int:
    """Delete one batch of keys that are no longer kept; how many."""
    with database.transaction():
        return idempotency.prune(system.clock.now() - KEPT, BATCH)
