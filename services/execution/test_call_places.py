"""Limits test calls: two at once in each process, one at once for each app and for each user.

In a shared app, each user has their own.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext
from uuid import UUID

from core.errors import TooMany

MAX_AT_ONCE = 2
_AGAIN_SECONDS = 10  # as long as a call may take

_places = threading.BoundedSemaphore(MAX_AT_ONCE)
_calling: set[Hashable] = set()  # the apps and the users with a call under way; of a shared app, each user in it
_lock = threading.Lock()


@contextmanager
def place() -> Iterator[None]:
    """Hold one of the two places for test calls in this process, before a thread is taken. Raises `TooMany`."""
    if not _places.acquire(blocking=False):
        raise TooMany(_AGAIN_SECONDS, f"{MAX_AT_ONCE} test calls are under way in this process.")
    try:
        yield
    finally:
        _places.release()


@contextmanager
def turn_of(app_id: UUID, person_id: UUID | None, *, is_shared: bool = False) -> Iterator[None]:
    """Hold the single place of an app for a test call, and that of a person: a user with all keys that they made.

    Raises `TooMany` if either is taken. In a shared app the place is that of the person there, so that no user waits
    for a stranger's call.

    Callers without an account (None), who are trusted, have no limit of their own.
    """
    of_app = (app_id, person_id) if is_shared else app_id
    alone = nullcontext() if person_id is None else _only(person_id, "A test call of yours is under way.")
    with alone, _only(of_app, "A test call for this app is under way."):
        yield


@contextmanager
def _only(one: Hashable, refusal: str) -> Iterator[None]:
    with _lock:
        if one in _calling:
            raise TooMany(_AGAIN_SECONDS, refusal)
        _calling.add(one)
    try:
        yield
    finally:
        with _lock:
            _calling.discard(one)
