"""Waiting for what is to happen, never for a span of time."""

from __future__ import annotations

import io
import queue
import threading
import time
from collections.abc import Callable

LOOK_AGAIN_SECONDS = 0.05
# A long wait looks less and less often, since most looks ask a whole installation.
SELDOM_SECONDS, EVER_LONGER = 0.25, 1.15
# How long a wait may last, in seconds, before its test fails: far longer than anything takes on a machine that is slow
# and busy. A wait ends at its event, so only a failure takes as long as this.
LONGEST = 180


def until(condition: Callable[[], object], what: str, timeout: float = LONGEST) -> None:
    """Return when the condition holds; fail the test, saying for what it waited, when it does not in time."""
    deadline = time.monotonic() + timeout
    rest, seconds = threading.Event(), LOOK_AGAIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        rest.wait(seconds)
        seconds = min(seconds * EVER_LONGER, SELDOM_SECONDS)


class Lines(io.StringIO):
    """Output whose lines a test can wait for. Captured output loses what is written while it is read; this does not."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: queue.Queue[str] = queue.Queue()

    def write(self, text: str) -> int:
        self._seen.put(text.rstrip("\n"))
        return len(text)

    def wait_for(self, part: str) -> str:
        """Return the next line that holds the part; those before it are gone."""
        try:
            while part not in (line := self._seen.get(timeout=LONGEST)):
                pass
        except queue.Empty:
            raise AssertionError(f"waited {LONGEST} s in vain for a line with {part!r}") from None
        return line
