"""SIGTERM and SIGINT end a process in order."""

from __future__ import annotations

import signal
import socket
import threading


class StopSignals:
    """Sets an event when SIGTERM or SIGINT comes. To be made before the process says that it is ready.

    A signal that comes while the main thread waits for its turn to run does not wake it from a lock it goes to wait
    for next, so it waits for the byte that Python's own handler writes.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())

    def wait(self) -> None:
        """Return once a signal has come."""
        while not self._stopping.is_set():
            self._woken.recv(1)
