"""Retries while the database is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from core.errors import DatabaseUnavailable
from services.runtime.database_troubles import trouble_of, troubles

_FIRST_REST_SECONDS = 0.1
_LONGEST_REST_SECONDS = 2.0

Done = TypeVar("Done")


def retry_while_unavailable(action: Callable[[], Done], must_stop: Callable[[], bool] = lambda: False) -> Done:
    """Call a function that needs the database, again with growing delays while that is away.

    Raises `DatabaseUnavailable` only if the caller must stop.
    """
    rest = _FIRST_REST_SECONDS
    noticed_by = threading.current_thread().name
    while True:
        try:
            done = action()
        except DatabaseUnavailable as error:
            troubles.begin(noticed_by, trouble_of(error.fault), error)
            if must_stop():
                raise
        else:
            troubles.end(noticed_by)
            return done
        time.sleep(rest)
        rest = min(rest * 2, _LONGEST_REST_SECONDS)
