"""Counts the occurrences of a cron expression: whole days and hours by multiplication, and the rest one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.schedules.cron_expression import CronExpression

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_TICK = timedelta(microseconds=1)
_ANY_MIDNIGHT = datetime(2000, 1, 1)  # noqa: DTZ001  a time on the wall
_WEEK_DAYS = 7


def count(cron: CronExpression, first: datetime, before: datetime, zone: ZoneInfo) -> int:
    """Returns the number of occurrences from an instant on and before another, on the clocks of a zone."""
    return _count(cron, first, before, zone, (_DAY, _HOUR))


def _count(
    cron: CronExpression, first: datetime, before: datetime, zone: ZoneInfo, units: tuple[timedelta, ...]
) -> int:
    """Multiply in the units of the wall clock that lie within the span and near no change of the clock.

    What is between them is counted in the smaller units.
    """
    if not units:
        return _walk(cron, first, before, zone)
    unit, found, start = units[0], 0, first
    wall, last = _rounded_up(_wall(first, zone), unit), _wall(before, zone) - unit
    while wall <= last:
        begin, end = _instant(wall, zone), _instant(wall + unit, zone)
        if _is_steady(wall, unit, zone) and start <= begin and end <= before:
            found += _count(cron, start, begin, zone, units[1:]) + _in_whole(cron, wall, unit)
            start = end
        wall += unit
    return found + _count(cron, start, before, zone, units[1:])


def _walk(cron: CronExpression, first: datetime, before: datetime, zone: ZoneInfo) -> int:
    found, instant = 0, first - _TICK
    while instant < before:
        following = cron.next_after(instant, zone)
        if following is None or following >= before:
            break
        found, instant = found + 1, following
    return found


def _in_whole(cron: CronExpression, wall: datetime, unit: timedelta) -> int:
    """Returns the number of matches in a whole day or hour that begins at this time on the wall."""
    if not _has_day(cron, wall):
        return 0
    hours = len(cron.hours) if unit == _DAY else wall.hour in cron.hours
    return hours * len(cron.minutes)


def _has_day(cron: CronExpression, wall: datetime) -> bool:
    in_month, in_week = wall.day in cron.days, wall.isoweekday() % _WEEK_DAYS in cron.weekdays
    return wall.month in cron.months and (in_month or in_week if cron.either_day else in_month and in_week)


def _is_steady(wall: datetime, unit: timedelta, zone: ZoneInfo) -> bool:
    """Whether the clock changes neither in this day or hour, nor in the one before, nor in the one after.

    Times that come twice, or never, have another offset with the other `fold`.
    """
    edges = [(wall + number * unit).replace(tzinfo=zone) for number in (-1, 0, 1, 2)]
    return len({edge.replace(fold=fold).utcoffset() for edge in edges for fold in (0, 1)}) == 1


def _rounded_up(wall: datetime, unit: timedelta) -> datetime:
    return _ANY_MIDNIGHT - (_ANY_MIDNIGHT - wall) // unit * unit


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)
