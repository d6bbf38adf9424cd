"""Runs functions after a commit, such as rings, which name rows that must be visible to others by then, or else undoes.

What a process keeps beside the database, such as a count, is undone with the transaction that it was counted for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Act = Callable[[], object]


@dataclass
class _Acts:
    """What is to be called once the outermost transaction is committed, and what as soon as a part is rolled back."""

    after: list[Act] = field(default_factory=list)
    undo: list[Act] = field(default_factory=list)


# Each thread has a connection of its own, and so at most one transaction.
_this_thread = threading.local()


def after(act: Act) -> None:
    """Call a function after the thread's transaction commits: at once if none is open, never if it is rolled back."""
    acts: _Acts | None = getattr(_this_thread, "acts", None)
    if acts is None:
        act()
    else:
        acts.after.append(act)


def or_undo(act: Act) -> None:
    """Call a function if the thread's transaction, or the part of it that is open now, is rolled back or in doubt.

    The last one given is called first.
    """
    acts: _Acts | None = getattr(_this_thread, "acts", None)
    if acts is not None:
        acts.undo.append(act)


@contextmanager
def collected() -> Iterator[None]:
    """Wrap a transaction: keep its functions until it, or the outermost one around it, is committed."""
    acts: _Acts | None = getattr(_this_thread, "acts", None)
    if acts is None:
        yield from _outermost()
    else:
        yield from _within(acts)


def _outermost() -> Iterator[None]:
    acts = _this_thread.acts = _Acts()
    try:
        yield from _within(acts)
    finally:
        _this_thread.acts = None
    for act in acts.after:
        act()


def _within(acts: _Acts) -> Iterator[None]:
    after, undo = len(acts.after), len(acts.undo)
    try:
        yield
    except BaseException:
        del acts.after[after:]
        undone = acts.undo[undo:]
        del acts.undo[undo:]
        for act in reversed(undone):
            act()
        raise
