"""Fairness: parties whose runs wait share the free threads of workers, fewest runs in flight first.

A party is an account of an app; a shared app as a whole is one party. It is identified by its limit key, so that its
weight is set together with its limits.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core import built_in_apps, limit_keys
from core.limit_keys import LimitKey, LimitKind

MIN_WEIGHT, MAX_WEIGHT = 0.01, 100.0


@dataclass(frozen=True)
class Waiting:
    """A party that has runs to claim, with its runs in flight and its weight."""

    party: str
    in_flight: int
    weight: float = 1.0


def party(app_name: str, account_id: str) -> str:
    """Returns the party that a run belongs to."""
    if app_name in built_in_apps.NAMES:
        return limit_keys.of_app(app_name)
    return limit_keys.of_account(app_name, account_id)


def is_party(key: LimitKey) -> bool:
    """Whether a key is that of a party, so that it may have a weight."""
    if key.kind is LimitKind.APP:
        return key.app_name in built_in_apps.NAMES
    return key.kind is LimitKind.ACCOUNT and key.app_name not in built_in_apps.NAMES


def shares(waiting: Sequence[Waiting], slots: int) -> dict[str, int]:
    """Returns how many slots each party gets; parties without a slot are left out.

    Each slot goes to the party with the fewest runs in flight relative to its weight, among equals to the first. Every
    party is assumed to have as many waiting runs as there are slots.
    """
    queue = [(one.in_flight / one.weight, place) for place, one in enumerate(waiting)]
    heapq.heapify(queue)
    given: dict[int, int] = {}
    for _ in range(slots if queue else 0):
        _, place = queue[0]
        given[place] = given.get(place, 0) + 1
        one = waiting[place]
        heapq.heapreplace(queue, ((one.in_flight + given[place]) / one.weight, place))
    return {waiting[place].party: given[place] for place in sorted(given)}


def farthest(parties: Iterable[str], after: str) -> str:
    """Returns the party that a cyclic walk beginning after a given party reaches last."""
    return max(parties, key=lambda one: (one <= after, one))
