"""Fairness: who is a party, and how free threads are shared among those that wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import fairness, limit_keys
from core.fairness import Waiting


@pytest.mark.parametrize(
    ("app_name", "expected"), [("shop", "account:shop/acc1"), ("tasks", "app:tasks"), ("default", "app:default")]
)
def test_a_party_is_an_account_of_an_app_and_a_shared_app_as_a_whole(app_name: str, expected: str) -> None:
    assert fairness.party(app_name, "acc1") == expected
    assert fairness.is_party(limit_keys.read(expected))


@pytest.mark.parametrize(
    "key", ["installation", "app:shop", "account:tasks/acc1", "host:api.example.com", "key:shop/x"]
)
def test_nothing_else_is_one(key: str) -> None:
    assert not fairness.is_party(limit_keys.read(key))


@pytest.mark.parametrize(
    ("in_flight", "slots", "expected"),
    [
        ([0], 4, {"a": 4}),
        ([0, 0], 4, {"a": 2, "b": 2}),
        ([0, 0], 3, {"a": 2, "b": 1}),
        ([3, 0], 4, {"a": 1, "b": 3}),
        ([9, 0], 4, {"b": 4}),
        ([0, 0, 0], 2, {"a": 1, "b": 1}),
        ([], 4, {}),
    ],
)
def test_whoever_has_fewest_in_flight_is_next(in_flight: list[int], slots: int, expected: dict[str, int]) -> None:
    waiting = [Waiting(party, count) for party, count in zip("abc", in_flight, strict=False)]
    assert fairness.shares(waiting, slots) == expected


def test_a_party_of_three_times_the_weight_gets_three_times_the_threads() -> None:
    assert fairness.shares([Waiting("a", 0, 3.0), Waiting("b", 0)], 8) == {"a": 6, "b": 2}
    assert fairness.shares([Waiting("a", 0, 0.5), Waiting("b", 0)], 6) == {"a": 2, "b": 4}


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(1, 12))
def test_after_it_nobody_who_got_a_slot_has_more_than_one_above_the_fewest(in_flight: list[int], slots: int) -> None:
    waiting = [Waiting(str(number), count) for number, count in enumerate(in_flight)]
    given_slots = fairness.shares(waiting, slots)
    after = {one.party: one.in_flight + given_slots.get(one.party, 0) for one in waiting}
    assert sum(given_slots.values()) == slots
    assert max(after[party] for party in given_slots) <= min(after.values()) + 1


def test_a_walk_goes_round() -> None:
    assert fairness.farthest(["a", "c", "d"], "b") == "a"
    assert fairness.farthest(["c", "d"], "b") == "d"
    assert fairness.farthest(["a", "b"], "b") == "b"
