"""A limit on how long one statement is waited for, kept on this side of the connection.

The server's own `statement_timeout` is no help when the server is frozen or the network swallows its answers: the
kernel goes on acknowledging and psycopg2 would wait for ever. psycopg2 lets a program wait in its own way instead
(`set_wait_callback`), here with an end.
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

# Longer than the session's statement_timeout, so that a server that lives gets to say what was slow.
LIMIT_SECONDS = 15.0
CONNECT_SECONDS = 5.0  # libpq's own connect_timeout does not hold for a program that waits in its own way

_state = threading.local()


def install() -> None:
    """Limit every wait for PostgreSQL in this process."""
    extensions.set_wait_callback(_wait)


@contextmanager
def unlimited() -> Iterator[None]:
    """Wait as long as it takes in this block: a migration may be long."""
    _state.unlimited = True
    try:
        yield
    finally:
        _state.unlimited = False


def _wait(connection: Any) -> None:
    """Wait for the connection; raises `OperationalError` past the limit, after which it must not be used again."""
    connecting = connection.status == extensions.STATUS_SETUP
    limit = CONNECT_SECONDS if connecting else LIMIT_SECONDS
    deadline = time.monotonic() + limit
    waiting = select.poll()
    while (state := connection.poll()) != extensions.POLL_OK:
        waiting.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        left = None if getattr(_state, "unlimited", False) else max(0.0, deadline - time.monotonic()) * 1000
        if not waiting.poll(left):
            raise psycopg2.OperationalError(f"no answer from PostgreSQL within {limit:g} s")
