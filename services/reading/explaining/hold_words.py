"""Describes in words what held a run in the past."""

from __future__ import annotations

from collections.abc import Sequence

from core.instants import shown
from core.states import Hold
from services.reading.explaining.holds import HoldView

_MAX_NAMED = 5
_BY: dict[Hold, str] = {
    Hold.PAUSED: "by a pause",
    Hold.OVERLAP: "until another run of the job had ended",
    Hold.RATE_LIMIT: "by the rate of {key}",
    Hold.CONCURRENCY: "by the number of runs that {key} allows at once",
    Hold.DESTINATION: "by the breaker of {key}",
    Hold.RESTORED: "since the database had been taken back",
}


def of_past(holds: Sequence[HoldView]) -> str:
    """Returns a sentence, after a space, on the holds of a run that are over; empty if there are none."""
    past = [one for one in holds if one.until is not None]
    if not past:
        return ""
    named = "; ".join(map(_in_words, past[:_MAX_NAMED]))
    more = len(past) - _MAX_NAMED
    return f" It was held {named}{f'; and {more} times more' if more > 0 else ''}."


def _in_words(one: HoldView) -> str:
    until = "" if one.until is None else f" to {shown(one.until)}"
    behind = f", behind {', '.join(map(str, one.holders))}" if one.holders else ""
    pause = f" of {one.pause}" if one.pause else ""
    return f"from {shown(one.since)}{until} {_BY[one.held_by].format(key=one.key)}{pause}{behind}"
