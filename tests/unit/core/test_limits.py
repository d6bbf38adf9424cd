"""Limits by key: who finds room, and when to look again."""

from __future__ import annotations

from datetime import timedelta

from core.limits import RECHECK_AFTER, Limit, Standing, after, within
from core.rates import Rate
from core.states import Hold
from tests.factories import NOON

RATE = Limit(rate=Rate(calls=3, seconds=60))
TWO_AT_ONCE = Limit(concurrency=2)


def test_calls_go_in_their_order_until_their_key_has_no_room() -> None:
    calls = [(1, ["a"]), (2, ["b"]), (3, ["a"]), (4, ["a"]), (5, ["b"])]
    assert within(calls, {"a": Standing(RATE, 1), "b": Standing(RATE, 2, 1)}) == ([1, 3], {"b": [2, 5], "a": [4]})


def test_a_call_needs_room_under_all_its_keys_and_one_that_is_refused_takes_none() -> None:
    calls = [(1, ["full", "a"]), (2, ["a", "b"]), (3, ["b", "a"])]
    standings = {"full": Standing(TWO_AT_ONCE, 2), "a": Standing(TWO_AT_ONCE, 1), "b": Standing(TWO_AT_ONCE)}
    assert within(calls, standings) == ([2], {"full": [1], "a": [3]})


def test_a_key_without_a_limit_refuses_nothing() -> None:
    assert within([(1, ["a"]), (2, ["a"])], {}) == ([1, 2], {})


def test_more_calls_than_the_limit_allows_leave_no_room() -> None:
    assert Standing(RATE, running=7).room == 0
    assert Standing(TWO_AT_ONCE, running=3).room == 0


def test_the_narrower_of_a_rate_and_a_concurrency_counts() -> None:
    both = Limit(concurrency=2, rate=Rate(3, 60))
    assert Standing(both, running=1, ended=1).room == 1
    assert Standing(both, running=0, ended=2).room == 1
    assert Standing(both, running=2).held_by is Hold.CONCURRENCY
    assert Standing(both, running=1, ended=2).held_by is Hold.RATE_LIMIT


def test_room_that_was_given_to_a_run_which_has_not_begun_is_taken() -> None:
    assert Standing(TWO_AT_ONCE, running=1, given=1).room == 0


def test_a_rate_has_room_again_a_span_after_the_first_call_ended() -> None:
    used = Standing(RATE, ended=3, first_ended_at=NOON - timedelta(seconds=40))
    assert used.recheck_at(NOON) == NOON + timedelta(seconds=20)


def test_while_all_calls_of_a_rate_last_there_is_no_room_before_a_whole_span() -> None:
    assert after(Standing(RATE, running=1), 2).recheck_at(NOON) == NOON + timedelta(seconds=60)


def test_a_place_may_be_given_free_at_any_moment() -> None:
    assert Standing(TWO_AT_ONCE, running=2).recheck_at(NOON) == NOON + RECHECK_AFTER


def test_a_limit_that_expires_first_is_looked_at_then() -> None:
    until = NOON + timedelta(seconds=5)
    limit = Limit(rate=Rate(1, 60), expires_at=until)
    assert Standing(limit, running=1).recheck_at(NOON) == until
