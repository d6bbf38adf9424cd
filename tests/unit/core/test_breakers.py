"""Breakers: after which calls one opens, and how a destination comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import breakers
from core.breakers import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, MAX_PLACES, Breaker

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AFTER_THE_WAIT = NOON + timedelta(seconds=FIRST_WAIT_SECONDS)


@pytest.mark.parametrize(
    ("last_calls", "expected"),
    [
        ([True] * 9, False),
        ([True] * 10, True),
        ([True] * 5 + [False] * 5, False),
        ([True] * 6 + [False] * 5, True),
        ([False] * 20, False),
        ([], False),
    ],
)
def test_it_opens_when_more_than_half_of_enough_calls_failed(last_calls: list[bool], expected: bool) -> None:
    assert breakers.trips(last_calls) is expected


def test_a_breaker_that_opens_lets_nothing_go_until_its_wait_is_over() -> None:
    assert breakers.opened(NOON) == Breaker(0, AFTER_THE_WAIT, FIRST_WAIT_SECONDS)


def test_each_success_gives_one_more_place_until_it_closes() -> None:
    standing: Breaker | None = breakers.opened(NOON)
    places = []
    while standing is not None:
        standing = breakers.after_success(standing, AFTER_THE_WAIT)
        places.append(None if standing is None else standing.places)
    assert places == [*range(2, MAX_PLACES + 1), None]


def test_a_probe_that_fails_doubles_the_wait_up_to_the_longest() -> None:
    standing, waits = breakers.opened(NOON), []
    for _ in range(6):
        standing = breakers.after_failure(standing, standing.probe_at)
        waits.append(standing.wait_seconds)
    assert waits == [60, 120, 240, 480, LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS]


def test_each_failure_while_it_comes_back_halves_its_places_and_the_last_opens_it_again_for_the_first_wait() -> None:
    standing, places = Breaker(5, NOON, FIRST_WAIT_SECONDS), []
    for _ in range(3):
        standing = breakers.after_failure(standing, NOON)
        places.append(standing.places)
    assert places == [2, 1, 0]
    assert standing == breakers.opened(NOON)


def test_a_call_that_ends_after_another_has_opened_it_again_changes_nothing() -> None:
    standing = breakers.opened(NOON)
    meanwhile = NOON + timedelta(seconds=1)
    assert breakers.after_failure(standing, meanwhile) == standing
    assert breakers.after_success(standing, meanwhile) == standing
