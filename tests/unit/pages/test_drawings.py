"""Columns of charts, the heat strip's minutes, and the words of spans and instants."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from core.states import Hold, RunStatus
from pages import charts, formats, series_charts, upcoming
from pages.series import Range, series
from pages.timeline import HELD, Span
from services.reading.outcomes import OutcomeView
from services.reading.statistics.columns import ColumnFigures
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


def columns(*figures: dict[str, Any]) -> list[ColumnFigures]:
    return [ColumnFigures(NOON + number * MINUTE, **{"known": 1, **one}) for number, one in enumerate(figures)]


def test_what_comes_is_counted_by_the_columns_right_of_now() -> None:
    ahead = {NOON: 1, NOON + MINUTE: 2, NOON + 2 * MINUTE: 3, NOON + 166 * MINUTE: 4}
    assert series(Range("4 minutes", 4, 2, ahead=2), columns({}, {}), ahead, NOON, UTC).coming == [3, 3]


def test_a_line_breaks_where_nothing_began() -> None:
    late = [{"lateness_p50_seconds": one, "lateness_p95_seconds": one} for one in (1.0, None, 1.0, 1.0)]
    drawn = str(series_charts.lateness(series(Range("", 4, 1), columns(*late), {}, NOON, UTC)))
    assert drawn.count("M37.5") == 2, "half of the runs, and 95 of 100"
    assert drawn.count("M187.5") == 2
    assert drawn.count("L262.5") == 2


def test_what_waits_is_stacked_and_told_by_what_it_waits_for() -> None:
    waits = columns({"waiting": 10, "held": {Hold.RATE_LIMIT: 7, Hold.PAUSED: 2}}, {"waiting": 0})
    shown = series(Range("", 2, 1), waits, {}, NOON, UTC)
    drawn = str(series_charts.waiting(shown))
    assert "12:00: 1 for a free worker, 7 until its rate allows another call, 2 paused" in drawn
    assert drawn.count("<g>") == 1
    assert [words for _, words in series_charts.waited_for(shown)] == [
        "for a free worker",
        "until its rate allows another call",
        "paused",
    ]


def test_columns_of_which_nothing_is_known_are_gaps() -> None:
    shown = series(Range("", 4, 1), columns({}, {"known": 0}, {"known": 0}, {}), {}, NOON, UTC)
    assert series_charts.has_gaps(shown)
    for drawn in map(str, (series_charts.runs(shown), series_charts.waiting(shown))):
        assert drawn.count('class="gap"') == 1
        assert "from 12:01 on for 2 min: not known" in drawn
    assert not series_charts.has_gaps(series(Range("", 1, 1), columns({}), {}, NOON, UTC))


def test_each_outcome_has_a_form_of_its_own_besides_its_colour() -> None:
    over = [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED, RunStatus.MISSED]
    drawn = {str(charts.strip([OutcomeView(uuid4(), one, NOON)], UTC)).partition(" y=")[2][:20] for one in over}
    assert len(drawn) == len(over)


def test_minutes_in_which_jobs_meet_come_by_the_number_of_jobs_and_have_a_free_one_after_them() -> None:
    one, two, three = uuid4(), uuid4(), uuid4()
    minutes = {
        NOON: {one: 1, two: 1},
        NOON + MINUTE: {one: 40},
        NOON + 2 * MINUTE: {one: 1, two: 1, three: 1},
        NOON + 5 * MINUTE: {one: 1, two: 1},
    }
    [most, second] = upcoming.meetings(minutes, NOON + 10 * MINUTE)
    assert (most.at, most.count, set(most.jobs)) == (NOON + 2 * MINUTE, 3, {one, two, three})
    assert (most.free_at, most.others) == (NOON + 3 * MINUTE, 0)
    assert (second.at, second.free_at, second.others) == (NOON, NOON + 3 * MINUTE, 1)


def test_of_minutes_that_were_not_looked_at_nothing_is_said() -> None:
    minutes = {NOON: dict.fromkeys((uuid4(), uuid4()), 1), NOON + MINUTE: {uuid4(): 2}}
    assert {one.free_at for one in upcoming.meetings(minutes, NOON + 2 * MINUTE)} == {None}
    assert [one.at for one in upcoming.hours(minutes, NOON, NOON + 2 * MINUTE)] == [NOON]
    assert len(upcoming.hours(minutes, NOON, NOON + timedelta(days=1))) == 24


def test_the_stretches_of_a_run_are_on_one_axis_each_between_its_words_and_its_length() -> None:
    held = Span("held", "paused", NOON, NOON + MINUTE)
    drawn = str(charts.timeline([held, Span("running", "attempt 1", NOON + MINUTE, NOON + 4 * MINUTE)]))
    assert re.findall(r'<span>([^<]*)</span><svg [^>]*><rect class="c-(\w+)" x="([\d.]+)" width="([\d.]+)"', drawn) == [
        ("paused", "held", "0.0", "250.0"),
        ("attempt 1", "running", "250.0", "750.0"),
    ]
    assert re.findall(r"</svg><span>([^<]*)</span>", drawn) == ["1 min", "3 min"]


def test_a_stretch_that_is_too_short_to_be_seen_is_drawn_within_the_chart() -> None:
    spans = [
        Span("running", "attempt 1", NOON, NOON + MINUTE),
        Span("backoff", "backoff", NOON + MINUTE, NOON + MINUTE),
    ]
    assert 'x="995.0" width="5.0"' in str(charts.timeline(spans))


def test_an_hour_is_drawn_in_two_halves_which_a_phone_shows_one_below_the_other() -> None:
    hour = upcoming.HourOfRuns(NOON, [int(minute in {1, 31}) for minute in range(60)])
    drawn = str(charts.heat([hour], UTC, str))
    first, second = drawn.split("<svg")[1:]
    assert ["12:01: 1 run" in first, "12:31: 1 run" in second] == [True, True]
    assert first.count('x="15"') == second.count('x="15"') == 1


def test_each_reason_to_hold_a_run_has_words_for_its_bar() -> None:
    assert set(HELD) == set(Hold)
