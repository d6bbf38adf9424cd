"""Which occurrences run, and which were missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.occurrences import (
    NOT_CAUGHT_UP,
    OUT_OF_WINDOW,
    SUPERSEDED,
    CatchUpPolicy,
    Missed,
    Occurrences,
    sort_out,
)
from core.policies import CatchUp

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LATEST = CatchUpPolicy()


def ago(*seconds: float) -> tuple[datetime, ...]:
    return tuple(NOON - timedelta(seconds=number) for number in seconds)


def each(instants: tuple[datetime, ...], reason: str) -> tuple[Missed, ...]:
    return tuple(Missed(instant, reason) for instant in instants)


def test_nothing_makes_nothing() -> None:
    assert sort_out([], NOON, LATEST) == Occurrences((), ())


def test_what_is_planned_ahead_or_a_minute_late_runs_all_of_it() -> None:
    instants = ago(60, 40, 20, 0, -20, -150)
    assert sort_out(instants, NOON, LATEST) == Occurrences(instants, ())


def test_one_that_is_later_than_a_minute_still_runs_when_it_is_the_newest_of_those() -> None:
    late = NOON - timedelta(seconds=60) - TICK
    assert sort_out([late], NOON, LATEST) == Occurrences((late,), ())


def test_of_several_late_ones_the_newest_runs_and_the_others_are_missed() -> None:
    late, in_time = ago(240, 180, 120), ago(60, 0, -60)
    assert sort_out([*late, *in_time], NOON, LATEST) == Occurrences((late[-1], *in_time), each(late[:-1], SUPERSEDED))


def test_one_that_is_late_by_a_day_is_caught_up_and_one_by_more_is_not() -> None:
    day_old = NOON - timedelta(hours=24)
    assert sort_out([day_old], NOON, LATEST) == Occurrences((day_old,), ())
    assert sort_out([day_old - TICK], NOON, LATEST) == Occurrences((), (Missed(day_old - TICK, OUT_OF_WINDOW),))


def test_where_none_is_young_enough_those_in_time_run_all_the_same() -> None:
    old, in_time = ago(90_000, 86_401), ago(0, -60)
    assert sort_out([*old, *in_time], NOON, LATEST) == Occurrences(in_time, each(old, OUT_OF_WINDOW))


@pytest.mark.parametrize(("late", "rows"), [(1_000, 999), (1_001, 1_000), (1_002, 1), (5_000, 1)])
def test_more_than_a_thousand_missed_ones_are_one_with_their_count(late: int, rows: int) -> None:
    instants = [NOON - timedelta(seconds=61 + number) for number in reversed(range(late))]
    sorted_out = sort_out(instants, NOON, LATEST)
    assert sorted_out.to_run == (instants[-1],)
    assert len(sorted_out.missed) == rows
    assert sorted_out.missed[0].instant == instants[0]
    assert sum(missed.count for missed in sorted_out.missed) == late - 1


def test_skip_catches_up_none_and_leaves_those_in_time_alone() -> None:
    late, in_time = ago(240, 61), ago(60, 0, -60)
    assert sort_out([*late, *in_time], NOON, CatchUpPolicy(CatchUp.SKIP)) == Occurrences(
        in_time, each(late, NOT_CAUGHT_UP)
    )


def test_all_catches_up_every_one_within_the_window() -> None:
    old, late, in_time = ago(601), ago(600, 240, 61), ago(0)
    policy = CatchUpPolicy(CatchUp.ALL, window_seconds=600)
    assert sort_out([*old, *late, *in_time], NOON, policy) == Occurrences((*late, *in_time), each(old, OUT_OF_WINDOW))


def test_a_window_of_nothing_catches_up_nothing() -> None:
    policy = CatchUpPolicy(CatchUp.ALL, window_seconds=0)
    assert sort_out(ago(61), NOON, policy) == Occurrences((), each(ago(61), OUT_OF_WINDOW))


@pytest.mark.parametrize(("in_time", "caught_up"), [((), False), ((0,), True)])
def test_the_newest_is_only_known_where_none_follows_or_one_in_time_is_here(
    in_time: tuple[float, ...], caught_up: bool
) -> None:
    late = ago(180, 120)
    sorted_out = sort_out([*late, *ago(*in_time)], NOON, LATEST, more_follow=True)
    assert (late[-1] in sorted_out.to_run) == caught_up
