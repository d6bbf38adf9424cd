"""Waiting for what is to happen, never for a span of time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_AGAIN_SECONDS = 0.05
# How long a wait may last, in seconds, before its test fails: far longer than anything takes on a machine that is slow
# and busy. A wait ends at its event, so only a failure takes as long as this.
LONGEST = 180


def until(condition: Callable[[], object], what: str, timeout: float = LONGEST) -> None:
    """Return when the condition holds; fail the test, saying for what it waited, when it does not in time."""
    deadline = time.monotonic() + timeout
    rest = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        rest.wait(LOOK_AGAIN_SECONDS)
