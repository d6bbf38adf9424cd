"""Limits how long the client waits for one statement.

The server's own `statement_timeout` does not help when the server is frozen or the network drops its answers: the
kernel keeps acknowledging, and psycopg2 would wait forever. psycopg2 lets a program provide its own wait
(`set_wait_callback`), here one with a time limit.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import extensions

# Longer than the session's statement_timeout, so that a live server can report its own timeout first.
LIMIT_SECONDS = 15.0
CONNECT_SECONDS = 5.0  # libpq's own connect_timeout has no effect with a wait callback


class NoAnswer(psycopg2.OperationalError):
    """PostgreSQL did not answer in time; the statement may still be running."""


_state = threading.local()
_NO_LIMIT = 0.0


def install() -> None:
    """Limit every wait for PostgreSQL in this process."""
    extensions.set_wait_callback(_wait)


@contextmanager
def unlimited() -> Iterator[None]:
    """Wait without a limit in this block: a migration may take long."""
    _state.unlimited = True
    try:
        yield
    finally:
        _state.unlimited = False


@contextmanager
def connecting(seconds: float | None) -> Iterator[None]:
    """Wait the given seconds for a connection that is opened in this block; 0: forever, None: the usual limit."""
    _state.connect_seconds = seconds
    try:
        yield
    finally:
        _state.connect_seconds = None


def _wait(connection: Any) -> None:
    """Wait for the connection; raises `OperationalError` past the limit, after which it must not be used again."""
    limit = _connect_limit() if connection.status == extensions.STATUS_SETUP else _statement_limit()
    deadline = time.monotonic() + limit
    while (state := connection.poll()) != extensions.POLL_OK:
        waiting = select.poll()  # each time: libpq may continue with the host's next address, on another socket
        waiting.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        left = None if limit == _NO_LIMIT else max(0.0, deadline - time.monotonic()) * 1000
        if not waiting.poll(left):
            raise NoAnswer(f"no answer from PostgreSQL within {limit:g} s")


def _connect_limit() -> float:
    given: float | None = getattr(_state, "connect_seconds", None)
    return CONNECT_SECONDS if given is None else given


def _statement_limit() -> float:
    return _NO_LIMIT if getattr(_state, "unlimited", False) else LIMIT_SECONDS
