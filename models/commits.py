"""What follows a commit, such as a ring: it tells of rows that others must be able to see by then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Act = Callable[[], object]

# Each thread has a connection of its own, and so at most one transaction.
_this_thread = threading.local()


def after(act: Act) -> None:
    """Do this once the thread's transaction is committed: at once where none is open, never where it is taken back."""
    waiting: list[Act] | None = getattr(_this_thread, "waiting", None)
    if waiting is None:
        act()
    else:
        waiting.append(act)


@contextmanager
def collected() -> Iterator[None]:
    """Around a transaction, or one within it: keep what follows until the outermost one is committed."""
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
