"""Limits the requests of each known caller, and of each app, over all web processes.

Each process takes slices of one bucket in the database, so a limit does not grow with the processes, and a request
costs a query only where a slice begins.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

from core.buckets import MINUTE_SECONDS, seconds_until_full
from models import database, request_buckets
from models.pauses import Gate
from services.access.request_quotas import MAX_KEYS, Left
from services.system import System

SLICES = 20
"""Into how many slices a minute's requests are cut: fewer cost fewer queries, more leave less idle in one process."""
SLICE_SECONDS = 10.0
"""How long a slice may be used; what is left of it then goes back with the next one."""
KEPT = timedelta(minutes=10)
BATCH = 1_000


@dataclass
class _Slice:
    """How many requests of a caller this process may still accept, and what the bucket had left; monotonic instants."""

    per_minute: int
    left: int = 0
    beyond: float = 0.0
    until: float = 0.0
    refused_until: float = 0.0
    asking: threading.Lock = field(default_factory=threading.Lock)  # held while a slice is fetched


class SharedQuotas:
    """This process's slices of all buckets: one for each caller and each app, by id."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._slices: OrderedDict[UUID, _Slice] = OrderedDict()
        self._lock = threading.Lock()

    def at_hand(self, caller_id: UUID, per_minute: int) -> Left | None:
        """Count a request against this process's slice. Returns what is left, None if the database must be asked.

        A caller who was refused stays refused, without another query, until a request is due or the limit changes.
        """
        now = self._system.clock.monotonic()
        with self._lock:
            mine = self._slices.get(caller_id)
            if mine is None or mine.per_minute != per_minute:
                return None
            if now < mine.refused_until:
                return _left_of(mine, -1)
            if mine.left == 0 or now >= mine.until:
                return None
            mine.left -= 1
            return _left_of(mine, mine.left)

    def take(self, caller_id: UUID, per_minute: int) -> Left:
        """Count a request, of a new slice if need be. Returns what is left: less than zero if it is one too many.

        Requests that come together use one slice: with one for each, a burst would take the whole bucket and be refused
        while almost all of it is at hand.
        """
        with self._slice_of(caller_id, per_minute).asking:
            left = self.at_hand(caller_id, per_minute)
            return self._take_slice(caller_id, per_minute) if left is None else left

    def _slice_of(self, caller_id: UUID, per_minute: int) -> _Slice:
        with self._lock:
            mine = self._slices.setdefault(caller_id, _Slice(per_minute))
            self._slices.move_to_end(caller_id)
            while len(self._slices) > MAX_KEYS:
                self._slices.popitem(last=False)
            return mine

    def _take_slice(self, caller_id: UUID, per_minute: int) -> Left:
        now = self._system.clock.monotonic()
        with self._system.transaction(Gate.UNUSED) as unit:
            bucket = request_buckets.lock(caller_id, per_minute, unit.now)
            returned = self._given_back(caller_id, per_minute)
            count, bucket = bucket.taken(max(1, per_minute // SLICES), unit.now, returned)
            request_buckets.put(caller_id, bucket)
        mine = self._slice_of(caller_id, per_minute)
        with self._lock:
            mine.per_minute, mine.beyond, mine.until = per_minute, bucket.left, now + SLICE_SECONDS
            if count == 0:
                mine.refused_until = now + (1 - bucket.left) * MINUTE_SECONDS / per_minute
                return _left_of(mine, -1)
            mine.refused_until = 0.0
            mine.left += count - 1
            return _left_of(mine, mine.left)

    def _given_back(self, caller_id: UUID, per_minute: int) -> int:
        """Take away the rest of a slice that has expired or whose rate has changed, unless this transaction fails."""
        with self._lock:
            mine = self._slices.get(caller_id)
            if mine is None or (mine.per_minute == per_minute and self._system.clock.monotonic() < mine.until):
                return 0
            returned, mine.left = mine.left, 0
        database.or_undo(partial(self._put_back, mine, returned))
        return returned

    def _put_back(self, mine: _Slice, returned: int) -> None:
        with self._lock:
            mine.left += returned


def _left_of(mine: _Slice, left: int) -> Left:
    whole = max(left, 0) + mine.beyond
    return Left(left if left < 0 else math.floor(whole), seconds_until_full(whole, mine.per_minute))


def prune(system: System) -> int:
    """Delete one batch of the buckets of callers that have been silent: they are full again. Returns how many."""
    with system.transaction(Gate.UNUSED) as unit:
        return request_buckets.prune(unit.now - KEPT, BATCH)
