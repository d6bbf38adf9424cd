"""Columns of charts, the heat strip's minutes, and the words of spans and instants."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from core.states import RunStatus
from pages import charts, formats, series_charts, upcoming
from pages.series import Range, series
from services.reading.outcomes import OutcomeView
from services.reading.statistics import MinuteFigures
from tests.factories import NOON

UTC = ZoneInfo("UTC")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0124, "12 ms"),
        (2.44, "2.4 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (11_520, "3 h 12 min"),
        (86_400 * 4, "4 d"),
        (-1, "0 ms"),
    ],
)
def test_spans_are_said_in_two_units_at_most(seconds: float, words: str) -> None:
    assert formats.span(seconds) == words


def test_an_instant_is_relative_within_a_day_and_a_date_beyond() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert formats.relative(NOON + timedelta(hours=3, minutes=12), NOON, tokyo) == "in 3 h 12 min"
    assert formats.relative(NOON - timedelta(seconds=40), NOON, tokyo) == "40 s ago"
    assert formats.relative(NOON + timedelta(days=1), NOON, tokyo) == "Sat 21 Nov 2026 21:00:00"


def test_minutes_are_summed_up_to_columns_and_what_comes_follows() -> None:
    minutes = [
        MinuteFigures(NOON + number * MINUTE, completed=number, failed=1, waiting=number, lateness_p95_seconds=late)
        for number, late in enumerate((None, 0.5, 2.0, None))
    ]
    ahead = {NOON: 1, NOON + MINUTE: 2, NOON + 2 * MINUTE: 3, NOON + 166 * MINUTE: 4}
    found = series(Range("4 minutes", 4, 2, ahead=2), minutes, ahead, NOON, UTC)
    assert [(one.completed, one.failed, one.waiting, one.lateness_seconds) for one in found.columns] == [
        (1, 2, 1, 0.5),
        (5, 2, 3, 2.0),
    ]
    assert found.coming == [3, 3]


def test_a_line_breaks_where_nothing_began() -> None:
    minutes = [
        MinuteFigures(NOON + n * MINUTE, lateness_p95_seconds=late) for n, late in enumerate((1.0, None, 1.0, 1.0))
    ]
    drawn = str(series_charts.lateness(series(Range("", 4, 1), minutes, {}, NOON, UTC)))
    assert drawn.count("M37.5") == 1
    assert drawn.count("M187.5") == 1
    assert drawn.count("L262.5") == 1


def test_each_outcome_has_a_form_of_its_own_besides_its_colour() -> None:
    over = [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED, RunStatus.MISSED]
    drawn = {str(charts.strip([OutcomeView(uuid4(), one, NOON)], UTC)).partition(" y=")[2][:20] for one in over}
    assert len(drawn) == len(over)


def test_minutes_in_which_runs_meet_have_a_free_one_after_them() -> None:
    counts = Counter({NOON: 412, NOON + MINUTE: 1, NOON + 5 * MINUTE: 2})
    [most, second] = upcoming.collisions(counts, None)
    assert (most.at, most.count, most.free_at) == (NOON, 412, NOON + 2 * MINUTE)
    assert second.free_at == NOON + 6 * MINUTE


def test_of_minutes_that_were_not_looked_at_nothing_is_said() -> None:
    counts = Counter({NOON: 3, NOON + MINUTE: 2})
    until = NOON + 2 * MINUTE
    assert {one.free_at for one in upcoming.collisions(counts, until)} == {None}
    assert [one.at for one in upcoming.hours(counts, NOON, until)] == [NOON]
    assert len(upcoming.hours(counts, NOON, None)) == 25
