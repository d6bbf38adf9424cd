"""Periods in words: `5 min` rather than `300 s`."""

from __future__ import annotations

_UNITS = ((3_600, "h"), (60, "min"))


def in_words(seconds: float) -> str:
    """Returns a period in the largest unit of which it is a whole number, at most hours."""
    for length, unit in _UNITS:
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
