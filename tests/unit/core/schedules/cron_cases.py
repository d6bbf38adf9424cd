"""Random cron expressions, clock changes, and two oracles for them: cronsim, and the rules spelled out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/Santiago",  # the gap is at midnight
    "Africa/Cairo",  # the gap is at midnight
    "Asia/Beirut",  # the gap is at midnight
    "Atlantic/Azores",  # midnight is in the gap and in the repeated hour
    "America/Havana",  # midnight is in the gap and in the repeated hour
    "Europe/Dublin",  # winter time is the daylight-saving one
    "America/St_Johns",
    "Pacific/Auckland",
    "Asia/Kolkata",  # no change at all
)
MINUTE = timedelta(minutes=1)
REACH = timedelta(hours=30)  # how far on each side of a change the rules are spelled out


@cache
def changes(zone: ZoneInfo) -> tuple[datetime, ...]:
    """Both clock changes of 2025, a year that no new data moves, to the minute; else two ordinary instants."""
    hour, found = datetime(2025, 1, 1, tzinfo=UTC), []
    while hour.year == 2025:
        later = hour + timedelta(hours=1)
        if _offset(hour, zone) != _offset(later, zone):
            found.append(next(at for at in _minutes(hour, later + MINUTE) if _offset(at, zone) == _offset(later, zone)))
        hour = later
    return tuple(found) or (datetime(2025, 3, 30, 1, tzinfo=UTC), datetime(2025, 10, 26, 1, tzinfo=UTC))


def random_expression(chance: random.Random, near: datetime) -> str:
    """An expression likely to fire around the wall time `near`, with every form of field that is taken."""
    day, weekday = near.day, (near.weekday() + 1) % 7
    return " ".join(
        (
            chance.choice(("*", "0", "*/30", "*/7", "0,30", "10-50/20", f"{chance.randrange(60)}", "5-5")),
            chance.choice(("*", "*", "*/2", "0", "1", "2", "3", "0-3", "1-2", "0-23/3", "*/5", "23", "2,23,1")),
            chance.choice(("*", "*", "*", f"{day}", f"1-{day}", "*/2", "1,15", "31", f"{day}-31/3", "*/31")),
            chance.choice(("*", "*", "*", f"{near.month}", "*/2", "jan-NOV", "mar,oct,nov", f"{near.month}-12")),
            chance.choice(("*", "*", "*", f"{weekday}", "7", "sun", "Mon-fri", "*/2", "0-7/3", "6-7", "*,1")),
        )
    )


def from_cronsim(expression: str, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """What cronsim answers. It starts anew in a repeated hour from the wall time alone, hence the filter."""
    answers = (answer.astimezone(UTC) for answer in CronSim(expression, after.astimezone(zone)))
    return (answer for answer in answers if answer > after)


def from_the_rules(expression: str, change: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every occurrence within `REACH` of a change: each minute is held against Debian's two rules."""
    minutes, hours, *_ = expression.split()
    sets = CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))  # for the reading of the fields alone

    def matches(wall: datetime) -> bool:
        times = wall.minute in sets.minutes and wall.hour in sets.hours
        return times and wall.month in sets.months and sets.match_day(wall.date())

    passing, placed = _clock(change, zone)
    if minutes.startswith("*") or hours.startswith("*"):
        return [at for at, wall in passing if matches(wall)]
    return sorted({at for wall, at in placed if matches(wall)})


@cache
def _clock(change: datetime, zone: ZoneInfo) -> tuple[list[tuple[datetime, datetime]], list[tuple[datetime, datetime]]]:
    """The minutes that pass, each with its wall time; and every thinkable wall time with its instant."""
    start, end = change - REACH, change + REACH
    passing = [(at, at.astimezone(zone).replace(tzinfo=None, fold=0)) for at in _minutes(start, end)]
    first: dict[datetime, datetime] = {}
    for at, wall in passing:
        first.setdefault(wall, at)
    placed, at = [], end
    for wall in reversed(list(_minutes(passing[0][1], passing[-1][1] + MINUTE))):
        at = first.get(wall, at)  # a wall time that never comes has the instant of the next one that does
        placed.append((wall, at))
    return passing, placed


def _minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    return takewhile(lambda at: at < end, (start + count * MINUTE for count in range(10**6)))


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
