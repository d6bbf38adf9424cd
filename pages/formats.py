"""Instants, spans of time and numbers as people read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from core import instants

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_A_SECOND_MS = 1_000
_TEN = 10
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"))
_NOW_SECONDS = 1.0


def span(seconds: float) -> str:
    """Returns a span of time in its two largest units: `340 ms`, `2.4 s`, `3 h 12 min`."""
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{round(seconds * _A_SECOND_MS)} ms"
    if seconds < _TEN:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{round(seconds)} s"
    return _in_two_units(round(seconds))


def _in_two_units(seconds: int) -> str:
    parts: list[str] = []
    left = seconds
    for length, unit in (*_UNITS, (1, "s")):
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:  # noqa: PLR2004  two units are enough to see how long
            break
    return " ".join(part for part in parts if part)


def about(seconds: float) -> str:
    """Returns a forecast span, no more exact than forecasts are: `48 min`, `3 h 10 min`, `2 d 5 h`."""
    if seconds < _MINUTE:
        return "1 min" if seconds > _MINUTE / 2 else "less than 1 min"
    step = _MINUTE if seconds < _HOUR else 5 * _MINUTE if seconds < _DAY else _HOUR
    return _in_two_units(round(seconds / step) * step)


def pace(calls: int, seconds: int) -> str:
    """Returns a rate as people say it: `6 a minute`, `90 every 5 min`."""
    names = {1: "a second", _MINUTE: "a minute", _HOUR: "an hour", _DAY: "a day"}
    return f"{number(calls)} {names.get(seconds) or f'every {span(seconds)}'}"


def relative(instant: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Returns an instant as it is seen from now, where it is less than a day away; else its date and time."""
    seconds = (instant - now).total_seconds()
    if abs(seconds) >= _DAY:
        return local(instant, zone)
    if abs(seconds) < _NOW_SECONDS:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def local(instant: datetime, zone: ZoneInfo, *, milliseconds: bool = False) -> str:
    """Returns an instant on the clocks of a zone: `Sat 28 Nov 2026 09:00:00`, with `.250` where that is wanted."""
    there = instant.astimezone(zone)
    fraction = f".{there.microsecond // 1000:03}" if milliseconds else ""
    return f"{there:%a} {there.day} {there:%b %Y %H:%M:%S}{fraction}"


def exact(instant: datetime) -> str:
    """Returns an instant in UTC with all that is known of it."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def machine(instant: datetime) -> str:
    """Returns an instant as programs read it (RFC 3339)."""
    return instants.shown(instant)


def number(value: float) -> str:
    """Returns a number with its thousands grouped, without a fraction that says nothing."""
    return f"{int(value) if value == int(value) else value:,}"


def times(value: float) -> str:
    """Returns how many times as much something is: `2.4`, `20`."""
    return f"{value:.1f}" if value < _TEN else number(round(value))


def pretty(value: Any) -> str:
    """Returns a JSON value in lines."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def plural(count: int, one: str, many: str) -> str:
    """Returns a count with its noun: `1 run`, `1,204 runs`."""
    return f"{number(count)} {one if count == 1 else many}"
