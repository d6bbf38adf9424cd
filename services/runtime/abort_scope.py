"""The one way to abort work under way: on cancel, time limit, lost lease or shutdown.

A handler runs inside an `AbortScope`. Before it blocks it registers how to be woken (close this socket, kill that
process group); whoever wants it to stop calls `abort`, which runs what is registered at that moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from core.errors import Aborted, AbortReason

Interrupt = Callable[[], None]
log = structlog.get_logger()


class AbortScope:
    """The handle by which one attempt is aborted. The first reason given is kept.

    `overdue` returns why the attempt is to be stopped by now, whether or not somebody has woken to stop it.
    """

    def __init__(self, overdue: Callable[[], AbortReason | None] = lambda: None) -> None:
        self._overdue = overdue
        self._lock = threading.Lock()
        self._reason: AbortReason | None = None
        self._interrupts: list[Interrupt] = []

    @property
    def reason(self) -> AbortReason | None:
        """Returns why the attempt was aborted, or None."""
        return self._reason

    def abort(self, reason: AbortReason) -> None:
        """Abort the attempt, and interrupt what it is blocked on. Callable from any thread, repeatedly."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            try:
                interrupt()
            except Exception:  # whoever aborts, above all the watchdog, must reach the others
                log.exception("interrupt_failed", reason=reason.value)

    def raise_if_aborted(self) -> None:
        """Raises `Aborted` if the attempt has been aborted, or is to be by now."""
        if self._reason is None and (reason := self._overdue()) is not None:
            self.abort(reason)
        self._raise_if_told()

    @contextmanager
    def interruptible(self, interrupt: Interrupt) -> Iterator[None]:
        """Run a block that `interrupt` can wake; `interrupt` may run on another thread.

        Raises `Aborted` at once if the attempt has been aborted already.
        """
        with self._lock:
            self._raise_if_told()
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    def _raise_if_told(self) -> None:
        if self._reason is not None:
            raise Aborted(self._reason)
