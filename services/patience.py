"""Patience with a database that is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from core.errors import DatabaseUnavailable

_FIRST_REST_SECONDS = 0.1
_LONGEST_REST_SECONDS = 2.0

Done = TypeVar("Done")
log = structlog.get_logger()


def patiently(action: Callable[[], Done], must_stop: Callable[[], bool] = lambda: False) -> Done:
    """Do what needs the database, again with growing rests while it is away.

    Raises `DatabaseUnavailable` only when one must stop.
    """
    rest = _FIRST_REST_SECONDS
    while True:
        try:
            return action()
        except DatabaseUnavailable as error:
            log.warning("database_away", error=str(error))
            if must_stop():
                raise
        time.sleep(rest)
        rest = min(rest * 2, _LONGEST_REST_SECONDS)
