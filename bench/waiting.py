"""Waits for conditions that other processes bring about."""

from __future__ import annotations

import time
from collections.abc import Callable

_LOOK_AGAIN_SECONDS = 0.02


def until(
    condition: Callable[[], bool],
    what: str,
    *,
    check: Callable[[], None] = lambda: None,
    seconds: float = 300,
    rest_seconds: float = _LOOK_AGAIN_SECONDS,
) -> None:
    """Return when the condition holds. Raises `TimeoutError` naming what did not come, or what `check` raises."""
    deadline = time.monotonic() + seconds
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds:g} s.")
        time.sleep(rest_seconds)
