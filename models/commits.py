"""Runs functions after a commit, such as rings, which name rows that must be visible to others by then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Act = Callable[[], object]

# Each thread has a connection of its own, and so at most one transaction.
_this_thread = threading.local()


def after(act: Act) -> None:
    """Call a function after the thread's transaction commits: at once if none is open, never if it is rolled back."""
    waiting: list[Act] | None = getattr(_this_thread, "waiting", None)
    if waiting is None:
        act()
    else:
        waiting.append(act)


@contextmanager
def collected() -> Iterator[None]:
    """Wrap a transaction: keep its functions until it, or the outermost one around it, is committed."""
    waiting: list[Act] | None = getattr(_this_thread, "waiting", None)
    if waiting is None:
        yield from _outermost()
    else:
        yield from _within(waiting)


def _outermost() -> Iterator[None]:
    waiting: list[Act] = []
    _this_thread.waiting = waiting
    try:
        yield
    finally:
        _this_thread.waiting = None
    for act in waiting:
        act()


def _within(waiting: list[Act]) -> Iterator[None]:
    before = len(waiting)
    try:
        yield
    except BaseException:
        del waiting[before:]
        raise
