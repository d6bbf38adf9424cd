"""Which occurrences run, and which were missed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from core.occurrences import (
    NOT_CAUGHT_UP,
    OUT_OF_WINDOW,
    SUPERSEDED,
    CatchUpPolicy,
    DueAt,
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


def nominal(instant: datetime) -> datetime:
    """Without jitter, an occurrence is due at its nominal instant."""
    return instant


def delayed(instants: Collection[datetime], *, by: float) -> DueAt:
    """Jitter delays these by so many seconds, and no others."""
    return lambda instant: instant + timedelta(seconds=by if instant in instants else 0)


def each(instants: tuple[datetime, ...], reason: str) -> tuple[Missed, ...]:
    return tuple(Missed(instant, reason) for instant in instants)


def test_nothing_makes_nothing() -> None:
    assert sort_out([], nominal, NOON, LATEST) == Occurrences((), ())


def test_what_is_planned_ahead_or_a_minute_late_runs_all_of_it() -> None:
    instants = ago(60, 40, 20, 0, -20, -150)
    assert sort_out(instants, nominal, NOON, LATEST) == Occurrences(instants, ())


def test_one_that_is_later_than_a_minute_still_runs_when_it_is_the_newest_of_those() -> None:
    late = NOON - timedelta(seconds=60) - TICK
    assert sort_out([late], nominal, NOON, LATEST) == Occurrences((late,), ())


def test_of_several_late_ones_the_newest_runs_and_the_others_are_missed() -> None:
    late, in_time = ago(240, 180, 120), ago(60, 0, -60)
    assert sort_out([*late, *in_time], nominal, NOON, LATEST) == Occurrences(
        (late[-1], *in_time), each(late[:-1], SUPERSEDED)
    )


def test_one_that_is_late_by_a_day_is_caught_up_and_one_by_more_is_not() -> None:
    day_old = NOON - timedelta(hours=24)
    assert sort_out([day_old], nominal, NOON, LATEST) == Occurrences((day_old,), ())
    assert sort_out([day_old - TICK], nominal, NOON, LATEST) == Occurrences(
        (), (Missed(day_old - TICK, OUT_OF_WINDOW),)
    )


def test_where_none_is_young_enough_those_in_time_run_all_the_same() -> None:
    old, in_time = ago(90_000, 86_401), ago(0, -60)
    assert sort_out([*old, *in_time], nominal, NOON, LATEST) == Occurrences(in_time, each(old, OUT_OF_WINDOW))


@pytest.mark.parametrize(("late", "rows"), [(1_000, 999), (1_001, 1_000), (1_002, 1), (5_000, 1)])
def test_more_than_a_thousand_missed_ones_are_one_with_their_count(late: int, rows: int) -> None:
    instants = [NOON - timedelta(seconds=61 + number) for number in reversed(range(late))]
    sorted_out = sort_out(instants, nominal, NOON, LATEST)
    assert sorted_out.to_run == (instants[-1],)
    assert len(sorted_out.missed) == rows
    assert sorted_out.missed[0].instant == instants[0]
    assert sum(missed.count for missed in sorted_out.missed) == late - 1


def test_skip_catches_up_none_and_leaves_those_in_time_alone() -> None:
    late, in_time = ago(240, 61), ago(60, 0, -60)
    assert sort_out([*late, *in_time], nominal, NOON, CatchUpPolicy(CatchUp.SKIP)) == Occurrences(
        in_time, each(late, NOT_CAUGHT_UP)
    )


def test_all_catches_up_every_one_within_the_window() -> None:
    old, late, in_time = ago(601), ago(600, 240, 61), ago(0)
    policy = CatchUpPolicy(CatchUp.ALL, window_seconds=600)
    assert sort_out([*old, *late, *in_time], nominal, NOON, policy) == Occurrences(
        (*late, *in_time), each(old, OUT_OF_WINDOW)
    )


def test_a_window_of_nothing_catches_up_nothing() -> None:
    policy = CatchUpPolicy(CatchUp.ALL, window_seconds=0)
    assert sort_out(ago(61), nominal, NOON, policy) == Occurrences((), each(ago(61), OUT_OF_WINDOW))


@pytest.mark.parametrize(("following", "caught_up"), [((61,), False), ((60, 0), True), ((), True)])
def test_the_newest_is_only_known_if_none_that_is_late_follows(following: tuple[float, ...], caught_up: bool) -> None:
    late = ago(180, 120)
    sorted_out = sort_out(late, nominal, NOON, LATEST, following=ago(*following))
    assert (late[-1] in sorted_out.to_run) == caught_up


def test_one_that_jitter_makes_due_later_is_not_late() -> None:
    instants = ago(3_600, 1_800, 600)
    due = delayed(ago(3_600), by=3_540)
    expected = Occurrences((instants[0], instants[2]), (Missed(instants[1], SUPERSEDED),))
    assert sort_out(instants, due, NOON, LATEST) == expected
    assert sort_out(instants, due, NOON, CatchUpPolicy(CatchUp.SKIP)).to_run == ago(3_600)


def test_the_window_counts_from_when_an_occurrence_is_due() -> None:
    policy = CatchUpPolicy(CatchUp.ALL, window_seconds=600)
    assert sort_out(ago(3_600), delayed(ago(3_600), by=3_000), NOON, policy).to_run == ago(3_600)


def test_one_that_follows_and_is_out_of_the_window_is_not_the_newest() -> None:
    late, policy = ago(600), CatchUpPolicy(window_seconds=120)
    sorted_out = sort_out(late, delayed(late, by=500), NOON, policy, following=ago(300))
    assert sorted_out.to_run == late


def test_a_row_with_a_count_stands_for_none_that_is_due_later() -> None:
    instants = [NOON - timedelta(seconds=4_000 - number) for number in range(3_000)]
    sorted_out = sort_out(instants, delayed([instants[1_500]], by=4_000), NOON, CatchUpPolicy(CatchUp.SKIP))
    assert sorted_out.to_run == (instants[1_500],)
    assert [(one.instant, one.count) for one in sorted_out.missed] == [(instants[0], 1_500), (instants[1_501], 1_499)]
