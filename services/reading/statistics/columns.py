"""Figures by the columns of a chart: past minutes, a number of them to a column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.figures import MINUTE, minutes_between, whole_minute
from core.principals import Principal
from core.states import Hold
from models import database
from models import statistics as stored
from services.reading.statistics import minute_statistics
from services.reading.statistics.minute_statistics import MAX_READ_LIVE, MinuteFigures
from services.system import System


@dataclass(frozen=True)
class ColumnFigures:
    """What happened in the minutes from `at` on, of which `known` have been summed up.

    Runs that ended are summed up; the waiting runs, for each reason of a hold, and the lateness are those of the worst
    minute. Lateness is None if nothing began.
    """

    at: datetime
    known: int = 0
    completed: int = 0
    failed: int = 0
    waiting: int = 0
    held: Mapping[Hold, int] = field(default_factory=dict)
    lateness_p50_seconds: float | None = None
    lateness_p95_seconds: float | None = None


def of_minutes(principal: Principal, system: System, minutes: int, step: int) -> list[ColumnFigures]:
    """Returns the columns of the last complete minutes, `step` minutes to each, oldest first.

    The newest minutes that have not been summed up yet are read from the rows. Raises `Forbidden` unless for
    administrators.
    """
    principal.expect_administration()
    end = whole_minute(system.clock.now())
    start = end - minutes * MINUTE
    seconds = step * int(MINUTE.total_seconds())
    with database.reading():
        found = {one.number: one for one in stored.columns(start, end, seconds)}
        held = stored.holds_of_columns(start, end, seconds)
        live = _not_summed_up(max(start, end - MAX_READ_LIVE * MINUTE), end)
    columns = []
    for number in range(-(-minutes // step)):
        column = ColumnFigures(start + number * step * MINUTE)
        if (known := found.get(number)) is not None:
            column = ColumnFigures(column.at, *known[1:5], held.get(number, {}), *known[5:])
        columns.append(column)
    for one in live:
        place = (one.minute - start) // (step * MINUTE)
        columns[place] = _with(columns[place], one)
    return columns


def _not_summed_up(start: datetime, end: datetime) -> list[MinuteFigures]:
    known = {row.minute for row in stored.minutes(start)}
    return [minute_statistics.of_minute(minute) for minute in minutes_between(start, end) if minute not in known]


def _with(column: ColumnFigures, one: MinuteFigures) -> ColumnFigures:
    """Returns a column with one more minute added."""
    return replace(
        column,
        known=column.known + 1,
        completed=column.completed + one.completed,
        failed=column.failed + one.failed,
        waiting=max(column.waiting, one.waiting),
        held={hold: max(column.held.get(hold, 0), one.held.get(hold, 0)) for hold in {**column.held, **one.held}},
        lateness_p50_seconds=_most(column.lateness_p50_seconds, one.lateness_p50_seconds),
        lateness_p95_seconds=_most(column.lateness_p95_seconds, one.lateness_p95_seconds),
    )


def _most(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)
