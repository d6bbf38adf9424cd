"""Measure in rounds in which each contestant has its turn, so that a slow minute of the machine affects all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from bench.figures import Row, Sample


class Contestant(Protocol):
    """Something that can be measured again and again."""

    @property
    def name(self) -> str:
        """Its name in the table."""
        ...

    def sample(self, seconds: float) -> Sample:
        """Measure for about this long and return the figures."""
        ...


def measure(contestants: Sequence[Contestant], rounds: int, seconds: float, pilot_seconds: float = 0) -> list[Row]:
    """Measure each contestant in every round, in alternating order; the figures of the pilot round are dropped."""
    if pilot_seconds:
        for contestant in contestants:
            _report(contestant.name, "pilot", contestant.sample(pilot_seconds))
    rows = {contestant.name: Row(contestant.name) for contestant in contestants}
    for number in range(rounds):
        for contestant in turning(contestants, number):
            sample = contestant.sample(seconds)
            _report(contestant.name, f"round {number + 1}", sample)
            rows[contestant.name].samples.append(sample)
    return list(rows.values())


def turning(contestants: Sequence[Any], number: int) -> Iterator[Any]:
    """Returns the contestants forwards in even rounds and backwards in odd ones."""
    return iter(contestants) if number % 2 == 0 else reversed(contestants)


def _report(name: str, which: str, sample: Sample) -> None:
    shown = ", ".join(f"{figure} {value:,.4g}" for figure, value in sample.items())
    print(f"  {name}, {which}: {shown}", file=sys.stderr, flush=True)
