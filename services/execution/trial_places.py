"""Places for test calls: few in each process, and one for each app, so that no app takes all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from core.errors import TooMany

MOST_AT_ONCE = 2
_AGAIN_SECONDS = 10  # as long as a call may take

_places = threading.BoundedSemaphore(MOST_AT_ONCE)
_called: set[UUID] = set()  # the apps that a call is under way for
_lock = threading.Lock()


@contextmanager
def place() -> Iterator[None]:
    """Hold one of the two places for test calls in this process, before a thread is asked for. Raises `TooMany`."""
    if not _places.acquire(blocking=False):
        raise TooMany(_AGAIN_SECONDS, f"{MOST_AT_ONCE} test calls are under way in this process.")
    try:
        yield
    finally:
        _places.release()


@contextmanager
def turn_of(app_id: UUID) -> Iterator[None]:
    """Hold the only test call that an app may have at a time. Raises `TooMany`."""
    with _lock:
        if app_id in _called:
            raise TooMany(_AGAIN_SECONDS, "A test call for this app is under way.")
        _called.add(app_id)
    try:
        yield
    finally:
        with _lock:
            _called.discard(app_id)
