"""What receivers saw under limits, and whether it was ever one call more than was allowed.

A call is let go at some instant between its claim and its arrival. Of calls that count together, the one that was let
go last was judged with all others in view; so the limit that held at some instant from the latest claim among them to
the newest arrival must have room for all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

RATE_SECONDS = 5
CLOCKS_SECONDS = 0.1  # between the clock of the receiver and those of workers


@dataclass(frozen=True)
class Call:
    """A call as its receiver saw it: of which attempt, under which keys, from when to when."""

    run_id: str
    attempt: int
    keys: tuple[str, ...]
    arrived: float
    left: float


@dataclass(frozen=True)
class Put:
    """A limit that was put on a key; in force from some instant between the request and its answer."""

    key: str
    sent: float
    answered: float
    concurrency: int | None = None
    calls: int | None = None  # within any `RATE_SECONDS`


@dataclass(frozen=True)
class Excess:
    """More calls than were allowed under a key as one of them arrived."""

    key: str
    at: float
    what: str
    count: int
    allowed: float

    def __str__(self) -> str:
        return f"{self.key}: {self.count} {self.what} at {self.at:.3f}, and {self.allowed:g} were allowed"


def excesses(calls: Iterable[Call], puts: Sequence[Put], claimed: Mapping[tuple[str, int], float]) -> Iterator[Excess]:
    """Yield each arrival that was one too many. `claimed` has the instant of each attempt's claim."""
    known = list(calls)
    for key in sorted({put.key for put in puts}):
        of_key = sorted((call for call in known if key in call.keys), key=lambda call: call.arrived)
        yield from _of_key(key, of_key, [put for put in puts if put.key == key], claimed)


def _of_key(
    key: str, calls: Sequence[Call], puts: Sequence[Put], claimed: Mapping[tuple[str, int], float]
) -> Iterator[Excess]:
    recent: list[Call] = []
    for call in calls:
        at = call.arrived
        recent = [one for one in recent if one.left > at or one.arrived > at - RATE_SECONDS] + [call]
        for what, together in (
            ("at once", [one for one in recent if one.left > at]),
            (f"within {RATE_SECONDS} s", [one for one in recent if one.arrived > at - RATE_SECONDS]),
        ):
            since = max((claimed[one.run_id, one.attempt] for one in together), default=at)
            allowed = _allowed(puts, since - CLOCKS_SECONDS, at + CLOCKS_SECONDS, is_rate=what != "at once")
            if len(together) > allowed:
                yield Excess(key, at, what, len(together), allowed)


def _allowed(puts: Sequence[Put], since: float, until: float, *, is_rate: bool) -> float:
    """Returns the most that a key allowed at any instant of a span; any number before its first limit."""
    ends = [*(put.answered for put in puts[1:]), math.inf]
    in_force = [put for put, end in zip(puts, ends, strict=True) if put.sent <= until and end >= since]
    if since < puts[0].answered:
        return math.inf
    found = [put.calls if is_rate else put.concurrency for put in in_force]
    return max(math.inf if one is None else one for one in found)
