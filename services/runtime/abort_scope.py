"""One way to stop work that is under way, whatever it is doing: cancel, time limit, lost lease, shutdown.

A handler runs inside a `Scope`. Before it blocks it registers how to be woken (close this socket, kill that
process group); whoever wants it to stop calls `abort`, which runs what is registered at that moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import Aborted, AbortReason

Interrupt = Callable[[], None]


class Scope:
    """The handle by which one attempt is stopped. The first reason given stands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: AbortReason | None = None
        self._interrupts: list[Interrupt] = []

    @property
    def reason(self) -> AbortReason | None:
        """Why the attempt was told to stop, or None."""
        return self._reason

    def abort(self, reason: AbortReason) -> None:
        """Tell the attempt to stop and interrupt what it is blocked on. Callable from any thread, repeatedly."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            interrupt()

    def raise_if_aborted(self) -> None:
        """Raise `Aborted` when the attempt has been told to stop."""
        if self._reason is not None:
            raise Aborted(self._reason)

    @contextmanager
    def interruptible(self, interrupt: Interrupt) -> Iterator[None]:
        """Run a block that `interrupt` can wake; `interrupt` must not raise and may run on another thread.

        Raises `Aborted` at once when the attempt has already been told to stop.
        """
        with self._lock:
            self.raise_if_aborted()
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)
