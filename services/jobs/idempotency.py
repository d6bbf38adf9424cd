"""Requests that are carried out once, however often they are sent: under an Idempotency-Key.

The key's row is written in the transaction of what was asked for. So two at once are one, a request that failed leaves
no key, and the answer is as lasting as the thing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import KeyReused
from models import idempotency
from models.pauses import Gate
from models.tables import IdempotencyKey
from services.system import System

KEPT = timedelta(hours=24)
BATCH = 1_000

Act = Callable[[], Any]


@dataclass(frozen=True)
class Request:
    """What is asked for under a key: the scope tells whose key it is, and for what; the fingerprint, which request."""

    scope: str
    key: str
    fingerprint: str

    def part(self, name: str) -> Request:
        """Returns one part of a request that is carried out in several transactions, each of them once."""
        return replace(self, scope=f"{self.scope} {name}")


def once(system: System, request: Request | None, act: Act) -> Any:
    """Carry out a request in one transaction, together with its key; returns what `act` returns, which is JSON.

    A request that was carried out before, within a day, is not carried out again: returns what `act` returned then.
    Without a key, there is just `act`. Raises `KeyReused` for another request under the same key, `Conflict` when the
    first one takes too long, and what `act` raises: then nothing is kept, and the key is free.
    """
    if request is None:
        return act()
    with system.transaction(Gate.UNUSED):
        earlier = _earlier(request, system.clock.now())
        if earlier is not None:
            return earlier.answer
        answer = act()
        idempotency.set_answer(request.scope, request.key, answer)
    return answer


def fingerprint(body: Any) -> str:
    """Returns what tells a JSON value from others: neither spaces nor the order of members matter."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def prune(system: System) -> int:
    """Delete one batch of keys that are no longer kept; how many."""
    with system.transaction(Gate.UNUSED):
        return idempotency.prune(system.clock.now() - KEPT, BATCH)


def _earlier(request: Request, now: datetime) -> IdempotencyKey | None:
    """The row of the same request made before; None where there is none, and the key is this transaction's."""
    while not idempotency.take(request.scope, request.key, request.fingerprint, now, now - KEPT):
        earlier = idempotency.taken(request.scope, request.key)
        if earlier is None:  # pruned meanwhile
            continue
        if earlier.fingerprint != request.fingerprint:
            raise KeyReused(request.key)
        return earlier
    return None
