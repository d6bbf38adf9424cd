"""Handles SIGTERM and SIGINT in a process, from its first line to its last.

The kernel drops signals for which process 1 of a container has no handler, so `obey` is called before anything heavy is
imported. Python runs handlers only on the main thread, which may be blocked in C code (looking up a name, waiting for a
silent server). So a thread of ours reads the byte that Python writes when a signal arrives, and acts on it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

SIGNALLED = 128  # a shell's status for a program that a signal ended is this plus the signal
_ORDERS = (signal.SIGTERM, signal.SIGINT)
_LEAVE_SECONDS = 1.0  # for closing connections
_NOT_ALL_CLOSED = "Ended without closing every connection: a server did not answer in time."


def obey(status: int | None = None) -> None:
    """End the process on SIGTERM or SIGINT: in order if the main thread is free for it, else hard, a second later.

    The exit status is the one given, else 128 plus the signal, as in a shell.
    """

    def status_of(number: int) -> int:
        return SIGNALLED + number if status is None else status

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(status_of(number))

    def end_unless_handed_over(number: int) -> None:
        time.sleep(_LEAVE_SECONDS)
        if _listener.in_charge is end_unless_handed_over:
            os._exit(status_of(number))
        _listener.in_charge(number)

    _listener.hand_over(end_unless_handed_over, leave)


class StopSignals:
    """Sets an event when SIGTERM or SIGINT comes; `hurry` is called for each further one.

    Create it before the process says that it is ready.
    """

    def __init__(self, stopping: threading.Event, hurry: Callable[[], None] = lambda: None) -> None:
        self._stopping = stopping
        self._hurry = hurry
        _listener.hand_over(self._stop, lambda *_: None)

    def wait(self) -> None:
        """Wait until a signal has come."""
        self._stopping.wait()

    def _stop(self, _number: int) -> None:
        if self._stopping.is_set():
            self._hurry()
        self._stopping.set()


def regain() -> None:
    """Take signals back from an event loop that has replaced our handling, as uvloop does when it starts."""
    _listener.listen()


def end_within(seconds: float, status: int = 0, last_words: str = _NOT_ALL_CLOSED) -> None:
    """End the process after this many seconds, even if something blocks, such as a silent server.

    It then prints `last_words`, and has this exit status.
    """
    timer = threading.Timer(seconds, _end_hard, [status, last_words])
    timer.daemon = True
    timer.start()


def end_now() -> NoReturn:
    """End the process with status 0, now that all is closed: Python's own ending may take seconds on a busy machine."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_hard(status: int, last_words: str) -> NoReturn:
    sys.stderr.write(last_words + "\n")
    sys.stderr.flush()
    os._exit(status)


@contextlib.contextmanager
def left_to_others() -> Iterator[None]:
    """Handle no signals in this block, which sets its own handlers."""
    former = signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        signal.set_wakeup_fd(former)


class _Listener:
    """Calls the current function for each signal that arrives, on a thread of its own."""

    def __init__(self) -> None:
        self.in_charge: Callable[[int], None] = lambda _number: None
        self._arrived: socket.socket | None = None

    def hand_over(
        self, in_charge: Callable[[int], None], on_main_thread: Callable[[int, FrameType | None], object]
    ) -> None:
        """Call one function on the listener's thread, and another on the main one, for each signal from now on."""
        self.in_charge = in_charge
        if self._arrived is None:
            self._arrived, self._waker = socket.socketpair()
            self._waker.setblocking(False)
            threading.Thread(target=self._listen, args=(self._arrived,), name="signals", daemon=True).start()
        self.listen()
        for number in _ORDERS:
            signal.signal(number, on_main_thread)

    def listen(self) -> None:
        """Have Python write each signal's number to the listener's thread."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def _listen(self, arrived: socket.socket) -> None:
        while True:
            for number in arrived.recv(64):
                if number in _ORDERS:
                    self.in_charge(number)


_listener = _Listener()
