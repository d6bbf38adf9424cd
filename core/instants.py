"""Wall-clock times and instants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SHAPE = re.compile(r"[0-9W-]+([T ][0-9:]+([.,][0-9]+)?(Z|[+-][0-9]{2}(:?[0-5][0-9]){0,2})?)?")
_LEAP_SECOND = re.compile(r"(?<=[T ])([0-9]{2}(:?)[0-9]{2}\2)60(?![0-9:])")
_SECOND = timedelta(seconds=1)


def read(text: str, zone: ZoneInfo) -> datetime:
    """Returns the instant that RFC 3339 or ISO 8601 text names; without an offset, it is read on the clocks of `zone`.

    `t` and `z` may be lower case, a space may stand for the `T`, digits beyond the microsecond are cut off. A leap
    second means the second after it, since no clock here has one. Raises `ValueError` for all else, `OverflowError`
    beyond the calendar's ends.
    """
    upper = text.upper() if text.isascii() else ""
    if _SHAPE.fullmatch(upper) is None:
        raise ValueError("is no date and time")
    plain, is_leap = _LEAP_SECOND.subn(r"\g<1>59", upper)
    local = _parsed(plain)
    instant = local.astimezone(UTC) if local.tzinfo else to_utc(local, zone)
    return _after_leap_second(instant) if is_leap else instant


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no date and time") from None


def _after_leap_second(before: datetime) -> datetime:
    """Returns the second after a leap second, which follows `before`: they come at the end of a month, in UTC."""
    after = before + _SECOND
    if after.day != 1 or after.hour or after.minute or after.second:
        raise ValueError("is no leap second, which is the last of a month in UTC")
    return after


def shown(instant: datetime) -> str:
    """Returns an instant as RFC 3339 text in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_utc(naive: datetime, zone: ZoneInfo) -> datetime:
    """Returns the instant of a wall-clock time: one in the spring gap moves past it, a repeated one means the first."""
    return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)


def first_of(*instants: datetime | None) -> datetime | None:
    """Returns the first of these instants; None if there is none."""
    return min(filter(None, instants), default=None)
