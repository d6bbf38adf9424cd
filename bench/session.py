"""What all measurements of one run share: the options, the servers, the trees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.checkout import Checkout
from bench.servers import Servers


@dataclass(frozen=True)
class Options:
    """The options of the command line."""

    quick: bool = False
    rounds: int = 3
    seconds: float = 8
    pilot_seconds: float = 3
    threads: tuple[int, ...] = (8, 16, 32)
    against: str | None = None
    with_peers: bool = True


@dataclass(frozen=True)
class Session:
    """One run of the benchmarks."""

    options: Options
    servers: Servers
    folder: Path
    checkouts: tuple[Checkout, ...]  # ours, and the one that it is compared with

    @property
    def is_quick(self) -> bool:
        """Whether rough figures are enough."""
        return self.options.quick
