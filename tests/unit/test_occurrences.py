"""Which occurrences run, and which were missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.occurrences import Occurrences, sort_out

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def ago(*seconds: float) -> tuple[datetime, ...]:
    return tuple(NOON - timedelta(seconds=number) for number in seconds)


def each_once(instants: tuple[datetime, ...]) -> tuple[tuple[datetime, int], ...]:
    return tuple((instant, 1) for instant in instants)


def test_nothing_makes_nothing() -> None:
    assert sort_out([], NOON) == Occurrences((), ())


def test_what_is_planned_ahead_or_a_minute_late_runs_all_of_it() -> None:
    instants = ago(60, 40, 20, 0, -20, -150)
    assert sort_out(instants, NOON) == Occurrences(instants, ())


def test_one_that_is_later_than_a_minute_still_runs_when_it_is_the_newest_of_those() -> None:
    late = NOON - timedelta(seconds=60) - TICK
    assert sort_out([late], NOON) == Occurrences((late,), ())


def test_of_several_late_ones_the_newest_runs_and_the_others_are_missed() -> None:
    late, in_time = ago(240, 180, 120), ago(60, 0, -60)
    assert sort_out([*late, *in_time], NOON) == Occurrences((late[-1], *in_time), each_once(late[:-1]))


def test_one_that_is_late_by_a_day_is_caught_up_and_one_by_more_is_not() -> None:
    day_old = NOON - timedelta(hours=24)
    assert sort_out([day_old], NOON) == Occurrences((day_old,), ())
    assert sort_out([day_old - TICK], NOON) == Occurrences((), ((day_old - TICK, 1),))


def test_where_none_is_young_enough_those_in_time_run_all_the_same() -> None:
    old, in_time = ago(90_000, 86_401), ago(0, -60)
    assert sort_out([*old, *in_time], NOON) == Occurrences(in_time, each_once(old))


@pytest.mark.parametrize(("late", "rows"), [(1_000, 999), (1_001, 1_000), (1_002, 1), (5_000, 1)])
def test_more_than_a_thousand_missed_ones_are_one_with_their_count(late: int, rows: int) -> None:
    instants = [NOON - timedelta(seconds=61 + number) for number in reversed(range(late))]
    sorted_out = sort_out(instants, NOON)
    assert sorted_out.to_run == (instants[-1],)
    assert len(sorted_out.missed) == rows
    assert sorted_out.missed[0][0] == instants[0]
    assert sum(count for _, count in sorted_out.missed) == late - 1
