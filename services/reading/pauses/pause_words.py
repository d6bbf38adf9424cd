"""Describes in words which pauses keep or kept a run from starting: what is paused, since when, by whom and why."""

from __future__ import annotations

from collections.abc import Sequence

from core.instants import shown
from core.principals import NAMELESS
from services.reading.pauses.pauses_in_force import PauseInForce


def of_held(pauses: Sequence[PauseInForce]) -> str:
    """Returns why a run is held by these pauses (at least one)."""
    subjects = " and ".join(one.subject for one in pauses)
    return f"{'; '.join(_in_words(one, 'is') for one in pauses)}. It waits until {subjects} {_be(pauses)} resumed"


def of_skipped(pauses: Sequence[PauseInForce]) -> str:
    """Returns which of these pauses were in force when an occurrence came."""
    return "; ".join(_in_words(one, "was") for one in pauses)


def of_hold(pauses: Sequence[PauseInForce]) -> str:
    """Returns which pauses began a hold of a run, without the instants."""
    return "; ".join(f"{one.subject}{_by(one)}" for one in pauses)


def _in_words(one: PauseInForce, verb: str) -> str:
    since = "" if one.since is None else f" since {shown(one.since)}"
    until = "" if one.until is None else f" until {shown(one.until)}"
    return f"{one.subject} {verb} paused{since}{until}{_by(one)}"


def _by(one: PauseInForce) -> str:
    if one.by is None:
        return ""
    reason = f": “{one.by.reason}”" if one.by.reason else ""
    return f", by {NAMELESS.get(one.by.kind, one.by.principal)}{reason}"


def _be(pauses: Sequence[PauseInForce]) -> str:
    return "is" if len(pauses) == 1 else "are"
