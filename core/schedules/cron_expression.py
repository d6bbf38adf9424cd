"""Cron expressions, read as Debian's cron reads them: text in, instants out.

croniter finds the next match on a wall clock that never changes; this module decides which expressions reach it, and
maps its answers to a zone with clock changes. `docs/decisions/0002-cron.md` records why.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import croniter

from core.schedules import cron_words
from core.schedules.cron_fields import DAY, FIELDS, MONTH_LENGTHS, InvalidCron, split

MAX_LENGTH = 256
HORIZON_YEARS = 50  # cronsim's and croniter's; no possible date is more than 40 years away

_TICK = timedelta(microseconds=1)


def parse(expression: str) -> CronExpression:
    """Returns the checked expression: Debian's cron accepts it, and it has occurrences.

    Raises `InvalidCron`, and nothing else, for any input. Results are shared and cached.
    """
    if not isinstance(expression, str):
        raise InvalidCron(f"A cron expression is text, not {type(expression).__name__}. Write five fields.")
    if len(expression) > MAX_LENGTH:
        raise InvalidCron(
            f"The cron expression has {len(expression)} characters; at most {MAX_LENGTH} are taken. "
            "Shorten it with ranges and steps."
        )
    return _parse(expression)


@dataclass(frozen=True)
class CronExpression:
    """One checked expression. The tuples are sorted; weekdays run from 0, Sunday, to 6."""

    expression: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    fixed: bool  # neither minute nor hour begins with `*`: times of day, not a rhythm
    either_day: bool  # neither day field begins with `*`: one of them matching is enough
    _clock: croniter[datetime] = field(repr=False, compare=False)

    def next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """Returns the first instant strictly later than `after`, on the clocks of `zone`.

        `after` is aware, the answer is in UTC. None: nothing in the coming 50 years or before year 9999.
        """
        if after.tzinfo is None:
            raise ValueError(f"{after} has no time zone; next_after counts from an instant.")
        try:
            instant = (self._next_fixed if self.fixed else self._next_passing)(after.astimezone(zone))
        except OverflowError:  # the edge of the calendar
            return None
        return instant if instant and instant.year <= after.year + HORIZON_YEARS else None

    def describe(self) -> str:
        """Returns one plain English line for a preview, such as `At 09:00 on Monday`."""
        return cron_words.describe(self)

    def _next_fixed(self, local: datetime) -> datetime | None:
        """A time in the gap fires at the gap's end; one that comes twice fires the first time only."""
        after, wall = local.astimezone(UTC), _minute_of(local)
        while match := self._next_match(wall):
            placed = match.replace(tzinfo=local.tzinfo)
            instant = placed.astimezone(UTC) if _exists(placed) else _change_near(placed)
            if instant > after:
                return instant
            wall = match  # already fired in the first pass of an hour that is now repeated
        return None

    def _next_passing(self, local: datetime) -> datetime | None:
        """Wall time is matched as it passes: both passes of a repeated hour, nothing in the gap."""
        after, wall = local.astimezone(UTC), _minute_of(local)
        if _comes_again(local):
            turn = _change_near(local)
            match = self._next_match(wall)
            if match and (instant := match.replace(tzinfo=local.tzinfo).astimezone(UTC)) < turn:
                return instant
            after, wall = turn - _TICK, _minute_before(turn.astimezone(local.tzinfo))
        while match := self._next_match(wall):
            placed = match.replace(tzinfo=local.tzinfo)
            if _exists(placed):
                instant = placed.astimezone(UTC)
                return instant if instant > after else placed.replace(fold=1).astimezone(UTC)
            gap_end = _change_near(placed)
            if gap_end.year > after.year + HORIZON_YEARS:  # may fall into the gap every year
                return None
            wall = _minute_before(gap_end.astimezone(local.tzinfo))
        return None

    def _next_match(self, wall: datetime) -> datetime | None:
        """The first matching wall time later than `wall`, on a clock that never changes."""
        clock = copy(self._clock)  # get_next moves it, and threads share this expression
        try:
            return clock.get_next(datetime, start_time=wall)
        except (ValueError, OverflowError):  # no match in 50 years, or the end of the calendar
            return None


def _minute_of(local: datetime) -> datetime:
    return local.replace(tzinfo=None, second=0, microsecond=0, fold=0)


def _minute_before(local: datetime) -> datetime:
    """The last whole minute earlier than `local`, so that a match at `local` itself comes next."""
    return _minute_of(local - _TICK)


def _exists(placed: datetime) -> bool:
    """Whether the wall time comes at all. One in the spring gap comes back changed from UTC."""
    back = placed.astimezone(UTC).astimezone(placed.tzinfo)
    return back.replace(tzinfo=None) == placed.replace(tzinfo=None)


def _comes_again(local: datetime) -> bool:
    """Whether this is the first pass of a wall time that comes twice."""
    return local.fold == 0 and local.replace(fold=1).utcoffset() != local.utcoffset()


def _change_near(local: datetime) -> datetime:
    """The instant of the clock change that makes this wall time come twice or never, to the second.

    zoneinfo keeps its table of changes to itself, but the two readings of such a time lie on either side.
    """
    zone = local.tzinfo
    low, high = sorted(int(local.replace(fold=fold).timestamp() // 1) for fold in (0, 1))
    before = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


@lru_cache(maxsize=4096)  # planning asks for the same expressions every minute
def _parse(expression: str) -> CronExpression:
    texts = split(expression)
    minutes, hours, days, months, weekdays = (kind.values(text) for kind, text in zip(FIELDS, texts, strict=True))
    either_day = not texts[2].startswith("*") and not texts[4].startswith("*")
    longest = max(MONTH_LENGTHS[month] for month in months)
    if not either_day and days[0] > longest:
        rule = f"none of the months `{texts[3]}` has such a day, so this can never happen"
        raise DAY.fault(texts[2], rule, f"Write a day up to {longest}, or other months")
    return CronExpression(
        expression=expression,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        fixed=not texts[0].startswith("*") and not texts[1].startswith("*"),
        either_day=either_day,
        _clock=_clock((minutes, hours, days, months, weekdays), either_day=either_day),
    )


def _clock(values: tuple[tuple[int, ...], ...], *, either_day: bool) -> croniter[datetime]:
    """croniter, given plain lists of numbers, which leave it nothing to read in a way of its own."""
    minutes, hours, days, months, weekdays = (
        "*" if kind.covers_all(found) else ",".join(map(str, found)) for kind, found in zip(FIELDS, values, strict=True)
    )
    if either_day and "*" in (days, weekdays):
        days = weekdays = "*"  # 1-31 is every day, although it is written as a restriction
    elif either_day and values[2][0] > max(MONTH_LENGTHS[month] for month in values[3]):
        days, either_day = "*", False  # only the weekday can match; croniter would search 50 years each time
    text = f"{minutes} {hours} {days} {months} {weekdays}"
    return croniter(text, 0.0, datetime, day_or=either_day)
