"""Ports for tests: those that this test process alone tries, and those on which nobody answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_SLICES = 8  # more than test processes usually run beside each other


def own_slice(first: int, last: int) -> range:
    """The ports from the first up to the last that no other test process of this run tries."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not number:
        return range(first, last)
    length = (last - first) // _SLICES
    begin = first + int(number) % _SLICES * length
    return range(begin, begin + length)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections while the block runs: it is taken, so nobody else can come to listen there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
