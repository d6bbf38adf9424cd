"""Rates: how they are written, and who has a permit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.rates import Rate, Used, next_free, within
from tests.factories import NOON

RATE = Rate(calls=3, seconds=60)


def test_a_rate_is_written_as_calls_in_seconds() -> None:
    assert Rate.written("90/60") == Rate(90, 60)


def test_off_is_no_rate() -> None:
    assert Rate.written("off") is None


@pytest.mark.parametrize(
    "text", ["", "90", "90/", "/60", "0/60", "90/0", "-1/60", "1.5/60", "90/60s", "90 / 60", "none"]
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="90/60"):
        Rate.written(text)


def test_calls_go_in_their_order_until_the_permits_of_their_account_are_taken() -> None:
    calls = [(1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "b")]
    assert within(RATE, calls, {"a": Used(1), "b": Used(3)}) == ([1, 3], {"b": [2, 5], "a": [4]})


def test_more_calls_than_the_rate_allows_leave_no_permit() -> None:
    assert within(RATE, [(1, "a")], {"a": Used(7)}) == ([], {"a": [1]})


def test_a_permit_is_free_again_a_span_after_the_first_call_ended() -> None:
    used = Used(3, first_ended_at=NOON - timedelta(seconds=40))
    assert next_free(RATE, used, NOON) == NOON + timedelta(seconds=20)


def test_while_all_calls_last_none_is_free_before_a_whole_span() -> None:
    assert next_free(RATE, Used(3), NOON) == NOON + timedelta(seconds=60)
