"""Carry out requests with an Idempotency-Key once, however often they are sent.

The key's row is written in the transaction of the request itself. So only one of two concurrent requests is carried
out, a failed request leaves no key, and the stored answer is as durable as the request's effect. A request that needs
many transactions has a key for each of them (`Request.part`): when repeated, it continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.errors import KeyReused
from models import database, idempotency
from models.pauses import Gate
from models.tables import IdempotencyKey
from services.runtime import slow_checks
from services.system import System

KEPT = timedelta(hours=24)
BATCH = 1_000

Act = Callable[[], Any]
Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class Request:
    """A request with a key. `scope` says whose key it is, for which operation; `fingerprint` identifies its body."""

    scope: str
    key: str
    fingerprint: str

    def part(self, name: str) -> Request:
        """Returns one part of a request that is carried out in several transactions, each part once."""
        return replace(self, scope=f"{self.scope} {name}")


def once(system: System, request: Request | None, act: Act) -> Any:
    """Carry out a request in one transaction, together with its key; returns what `act` returns, which is JSON.

    A request that was carried out before, within a day, is not carried out again: returns what `act` returned then.
    Without a key, just calls `act`. Raises `KeyReused` for another request with the same key, `Conflict` when the
    first one takes too long, and what `act` raises: then nothing is stored, and the key is free. If `act` needs a slow
    check, it is called again after it, in a new transaction.
    """
    if request is None:
        return act()

    def carried_out() -> Any:
        with system.transaction(Gate.UNUSED):
            earlier = _earlier(request, system.clock.now())
            if earlier is not None:
                return earlier.answer
            answer = act()
            idempotency.set_answer(request.scope, request.key, answer)
        return answer

    return slow_checks.made_before(carried_out)


def once_prepared(
    system: System, request: Request | None, prepare: Callable[[], Prepared], act: Callable[[Prepared], Any]
) -> Any:
    """Carry out a request as `once` does; `act` gets what `prepare` returns, which may be slow.

    `prepare` runs before the transaction, where it holds no lock, and not if the request was answered before.
    """
    answer = answered(system, request)
    if answer is None:
        prepared = prepare()
        answer = once(system, request, lambda: act(prepared))
    return answer


def answered(system: System, request: Request | None) -> Any:
    """Returns what was answered to a request that was carried out before, within a day; None if it was not.

    Raises `KeyReused` as `once` does.
    """
    if request is None:
        return None
    with database.reading():
        earlier = idempotency.taken(request.scope, request.key)
    if earlier is None or earlier.created_at <= system.clock.now() - KEPT:
        return None
    return _same(request, earlier).answer


def prune(system: System) -> int:
    """Delete one batch of expired keys. Returns how many."""
    with system.transaction(Gate.UNUSED):
        return idempotency.prune(system.clock.now() - KEPT, BATCH)


def _earlier(request: Request, now: datetime) -> IdempotencyKey | None:
    """Returns the row of the same request made before; None if there is none, and this transaction has the key."""
    while not idempotency.take(request.scope, request.key, request.fingerprint, now, now - KEPT):
        earlier = idempotency.taken(request.scope, request.key)
        if earlier is None:  # pruned meanwhile
            continue
        return _same(request, earlier)
    return None


def _same(request: Request, earlier: IdempotencyKey) -> IdempotencyKey:
    if earlier.fingerprint != request.fingerprint:
        raise KeyReused(request.key)
    return earlier
