"""What breaks an invariant: which one, whose ids, and in what way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.chaos.evidence import Evidence


@dataclass(frozen=True)
class Breach:
    """One breach: the ids of the jobs or runs that show it, and what is wrong."""

    ids: tuple[str, ...]
    words: str


Invariant = Callable[[Evidence], Iterator[Breach]]
