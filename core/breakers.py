"""Circuit breakers: when the runs for a destination are held because most calls to it fail, and how it is probed.

A destination is a host as one app calls it. While its breaker is open, it has no places; once the wait is over, it has
one, for a probe. Each call that succeeds then adds a place, until the breaker closes; each call that fails halves the
number of places, and when none is left the breaker opens again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

CALLS = 20
"""How many of a destination's last calls are judged."""

MIN_CALLS = 10
MAX_PLACES = 16
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 600.0


@dataclass(frozen=True)
class Breaker:
    """The state of an open breaker: how many calls may be made at once, and the wait before a probe."""

    places: int
    probe_at: datetime
    wait_seconds: float


def trips(failed: Collection[bool]) -> bool:
    """Whether a breaker opens: of at least `MIN_CALLS` last calls (true: failed), more than half have failed."""
    return len(failed) >= MIN_CALLS and sum(failed) * 2 > len(failed)


def opened(now: datetime, wait_seconds: float = FIRST_WAIT_SECONDS) -> Breaker:
    """Returns a breaker that has just opened."""
    return Breaker(0, now + timedelta(seconds=wait_seconds), wait_seconds)


def after_success(breaker: Breaker, now: datetime) -> Breaker | None:
    """Returns a breaker after a call that it allowed has succeeded; None once it closes."""
    if _waits(breaker, now):
        return breaker
    places = max(1, breaker.places) + 1
    return None if places > MAX_PLACES else Breaker(places, breaker.probe_at, FIRST_WAIT_SECONDS)


def after_failure(breaker: Breaker, now: datetime) -> Breaker:
    """Returns a breaker after a call that it allowed has failed: a failed probe doubles the wait."""
    if _waits(breaker, now):
        return breaker
    if breaker.places > 1:
        return replace(breaker, places=breaker.places // 2)
    waited = breaker.wait_seconds * 2 if breaker.places == 0 else FIRST_WAIT_SECONDS
    return opened(now, min(LONGEST_WAIT_SECONDS, waited))


def _waits(breaker: Breaker, now: datetime) -> bool:
    """Whether the breaker has opened again meanwhile, so that earlier calls no longer count."""
    return breaker.places == 0 and now < breaker.probe_at
