"""A cron expression in words."""

from __future__ import annotations

from typing import Protocol

_MINUTES, _HOURS, _DAYS, _MONTHS, _WEEKDAYS = 60, 24, 31, 12, 7  # so many values mean every one
_MONTH_TITLES = (
    "",
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAY_TITLES = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MAX_TIMES = 4  # more times of day than these are written as minutes and hours
_SHORTEST_RUN = 3  # two neighbours are named one by one


class Fields(Protocol):
    """The values of each field; 0 is Sunday. With `either_day`, the day of the month or of the week may match."""

    @property
    def minutes(self) -> tuple[int, ...]: ...
    @property
    def hours(self) -> tuple[int, ...]: ...
    @property
    def days(self) -> tuple[int, ...]: ...
    @property
    def months(self) -> tuple[int, ...]: ...
    @property
    def weekdays(self) -> tuple[int, ...]: ...
    @property
    def either_day(self) -> bool: ...


def describe(cron: Fields) -> str:
    """Returns the times of a cron expression as a sentence without a full stop."""
    days = _describe_days(cron)
    if not days and len(cron.hours) != _HOURS:
        days = "every day"
    months = "" if len(cron.months) == _MONTHS else f"in {_named(cron.months, _MONTH_TITLES)}"
    return " ".join(part for part in (_describe_times(cron), days, months) if part)


def _describe_times(cron: Fields) -> str:
    minutes, hours = cron.minutes, cron.hours
    every_hour = len(hours) == _HOURS
    if len(minutes) == _MINUTES:
        return "Every minute" if every_hour else f"Every minute of {_counted('hour', hours)}"
    if every_hour and minutes == (0,):
        return "Every hour"
    step = 60 // len(minutes)
    if every_hour and len(minutes) > 1 and minutes == tuple(range(0, 60, step)):
        return f"Every {step} minutes"
    if len(minutes) * len(hours) <= _MAX_TIMES:
        times = [f"{hour:02}:{minute:02}" for hour in hours for minute in minutes]
        return f"At {_joined(times)}"
    past = "every hour" if every_hour else _counted("hour", hours)
    return f"At {_counted('minute', minutes)} past {past}"


def _describe_days(cron: Fields) -> str:
    every_day = len(cron.days) == _DAYS
    every_weekday = len(cron.weekdays) == _WEEKDAYS
    if (every_day and every_weekday) or (cron.either_day and (every_day or every_weekday)):
        return ""
    days = f"on {_counted('day', cron.days)} of the month"
    monday_first = tuple(sorted(day or 7 for day in cron.weekdays))
    weekdays = _named(monday_first, _WEEKDAY_TITLES)
    if every_day:
        return f"on {weekdays}"
    if every_weekday:
        return days
    return f"{days} or on {weekdays}" if cron.either_day else f"{days} if that is {weekdays}"


def _counted(noun: str, values: tuple[int, ...]) -> str:
    """`day 1`, or `days 1, 15-20`."""
    runs = [str(first) if first == last else f"{first}-{last}" for first, last in _runs(values)]
    return f"{noun if len(values) == 1 else noun + 's'} {', '.join(runs)}"


def _named(values: tuple[int, ...], titles: tuple[str, ...]) -> str:
    """`Monday to Friday and Sunday`."""
    runs = _runs(values)
    return _joined([titles[first] if first == last else f"{titles[first]} to {titles[last]}" for first, last in runs])


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _runs(values: tuple[int, ...]) -> list[tuple[int, int]]:
    """Sorted values as (first, last) of each run of neighbours; single ones are their own first and last."""
    runs: list[list[int]] = []
    for value in values:
        if runs and runs[-1][-1] == value - 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    short = ([(value, value) for value in run] for run in runs if len(run) < _SHORTEST_RUN)
    long = [(run[0], run[-1]) for run in runs if len(run) >= _SHORTEST_RUN]
    return sorted([*long, *(pair for pairs in short for pair in pairs)])
