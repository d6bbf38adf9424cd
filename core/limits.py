"""Limits by key: how many runs go at once, and how many calls are made within a span.

A call needs room under each of its keys that has a limit. It takes a place while it lasts, and counts against a rate
also for the rate's span after it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from core.rates import Rate
from core.states import Hold

RECHECK_AFTER = timedelta(seconds=1)
"""How long a held run may wait for a place that was given free without notice."""

_UNBOUNDED = 2**31

Call = TypeVar("Call")


@dataclass(frozen=True)
class Limit:
    """What a key allows: a number of runs at once, and a rate of calls; None: not limited.

    `weight` is the weight of a party (`core.fairness`), which limits nothing.
    """

    concurrency: int | None = None
    rate: Rate | None = None
    expires_at: datetime | None = None
    is_default: bool = False  # by a setting, not by anybody's request
    weight: float | None = None

    @property
    def limits_something(self) -> bool:
        """Whether it has a limit besides a weight."""
        return self.concurrency is not None or self.rate is not None


@dataclass(frozen=True)
class Standing:
    """How much of a limit is used at one moment: calls under way, calls that ended within the span, and the first end.

    `given` counts held runs that were released and have not begun.
    """

    limit: Limit
    running: int = 0
    ended: int = 0
    first_ended_at: datetime | None = None
    given: int = 0

    @property
    def room(self) -> int:
        """Returns how many more calls may begin."""
        return min(self._room_of_rate, self._room_at_once)

    @property
    def is_at_its_rate(self) -> bool:
        """Whether the rate has no room, regardless of the number of runs at once."""
        return self._room_of_rate == 0

    @property
    def held_by(self) -> Hold:
        """Returns the reason that holds a run for which there is no room."""
        return Hold.RATE_LIMIT if self.is_at_its_rate else Hold.CONCURRENCY

    def recheck_at(self, now: datetime) -> datetime:
        """Returns when to recheck the key: when the rate may give room, but no later than the limit expires."""
        rate = self.limit.rate
        again = now + RECHECK_AFTER
        if rate is not None and self.is_at_its_rate and not self.given:  # room that was given may never be used
            again = (self.first_ended_at or now) + rate.span
        expires_at = self.limit.expires_at
        return again if expires_at is None else max(now, min(again, expires_at))

    @property
    def _room_of_rate(self) -> int:
        rate = self.limit.rate
        return _UNBOUNDED if rate is None else max(0, rate.calls - self.running - self.ended - self.given)

    @property
    def _room_at_once(self) -> int:
        most = self.limit.concurrency
        return _UNBOUNDED if most is None else max(0, most - self.running - self.given)


def within(
    calls: Iterable[tuple[Call, Iterable[str]]], standings: Mapping[str, Standing]
) -> tuple[list[Call], dict[str, list[Call]]]:
    """Divide calls, in order: those with room under all of their keys, and the others by the key that refuses them."""
    left = {key: standing.room for key, standing in standings.items()}
    allowed: list[Call] = []
    refused: dict[str, list[Call]] = {}
    for call, keys in calls:
        limited = [key for key in keys if key in left]
        full = next((key for key in limited if left[key] <= 0), None)
        if full is not None:
            refused.setdefault(full, []).append(call)
            continue
        allowed.append(call)
        for key in limited:
            left[key] -= 1
    return allowed, refused


def after_giving(standing: Standing, given: int) -> Standing:
    """Returns the state of a key once the given number of held runs has been released."""
    return replace(standing, given=standing.given + given)


def after(standing: Standing, begun: int) -> Standing:
    """Returns the state of a key once the given number of further calls has begun."""
    return replace(standing, running=standing.running + begun)
