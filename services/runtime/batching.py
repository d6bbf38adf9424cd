"""Process many items, so that one bad item does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from core.errors import Unavailable

Item = TypeVar("Item")
log = structlog.get_logger()


def in_parts(work: Callable[[Sequence[Item]], int], items: Sequence[Item]) -> int:
    """Carry out `work` on all items at once; if that fails, on each half of them. Returns the sum of its answers.

    So one bad item does not stop the others; it is logged. Raises `Unavailable` where a server is away.
    """
    try:
        return work(items)
    except Unavailable:
        raise
    except Exception:
        if len(items) > 1:
            half = len(items) // 2
            return in_parts(work, items[:half]) + in_parts(work, items[half:])
        log.exception("bad_item", item=str(items[0]))
        return 0


def one_by_one(work: Callable[[Item], int], items: Sequence[Item]) -> int:
    """Carry out `work` on one item after the other. Returns the sum of its answers; logs and raises as `in_parts`."""
    return sum(in_parts(lambda part: work(part[0]), [item]) for item in items)
