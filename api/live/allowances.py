"""Allowances: a listener to everything gets a limited number of changes a second; beyond that, it must reload."""

from __future__ import annotations

from api.live.frames import Told

MAX_A_SECOND = 20


class Allowance:
    """What one listener may still be sent in this second."""

    def __init__(self) -> None:
        self._began = float("-inf")
        self._left = 0
        self._must_read_anew = False
        self._before = self._state()

    def look_begins(self) -> None:
        """Keep what is left before the look."""
        self._before = self._state()

    def look_failed(self) -> None:
        """Take back what was granted in this look: nothing was sent."""
        self._began, self._left, self._must_read_anew = self._before

    def granted(self, told: Told | None, now: float) -> Told | None:
        """Returns the changes to send; None if the listener must reload.

        It is told to reload once in a second, and once more in the next for later changes.
        """
        if now - self._began >= 1:
            self._began, self._left = now, MAX_A_SECOND
        needed = MAX_A_SECOND + 1 if told is None else len(told.jobs) + len(told.runs)
        if self._left < 0:  # it was told to reload in this second
            self._must_read_anew = self._must_read_anew or needed > 0
            return Told()
        self._left -= needed
        if self._left < 0 or self._must_read_anew:
            self._left, self._must_read_anew = -1, False
            return None
        return told

    def _state(self) -> tuple[float, int, bool]:
        return self._began, self._left, self._must_read_anew
