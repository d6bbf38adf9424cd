"""The checker of limits finds one call more at once, and one more within a span; and blames no change of a limit."""

from __future__ import annotations

import pytest

from bench.drills.limit_journal import RATE_SECONDS, Call, Put, excesses

KEY = "app:a"
AT_ONCE = Put(KEY, 0, 0.1, concurrency=2)
AT_A_RATE = Put(KEY, 0, 0.1, calls=2)


def call(number: int, arrived: float, left: float, key: str = KEY) -> Call:
    return Call(f"run {number}", 1, (key,), arrived, left)


def found(calls: list[Call], puts: list[Put], claims: dict[int, float] | None = None) -> list[str]:
    claimed = {(one.run_id, 1): one.arrived - 0.01 for one in calls}
    claimed |= {(f"run {number}", 1): at for number, at in (claims or {}).items()}
    return [one.what for one in excesses(calls, puts, claimed)]


def test_as_many_as_are_allowed_at_once_are_none_too_many() -> None:
    assert found([call(1, 10, 20), call(2, 11, 20), call(3, 20, 21)], [AT_ONCE]) == []


def test_one_more_at_once_is_found() -> None:
    assert found([call(1, 10, 20), call(2, 11, 20), call(3, 19.9, 21)], [AT_ONCE]) == ["at once"]


@pytest.mark.parametrize(("third", "what"), [(10.1 + RATE_SECONDS, []), (9.9 + RATE_SECONDS, ["within 5 s"])])
def test_one_more_within_the_span_of_a_rate_is_found(third: float, what: list[str]) -> None:
    assert found([call(1, 10, 10.1), call(2, 11, 11.1), call(3, third, third + 1)], [AT_A_RATE]) == what


def test_calls_under_another_key_do_not_count() -> None:
    assert found([call(1, 10, 20), call(2, 11, 20), call(3, 12, 20, "app:b")], [AT_ONCE]) == []


def test_a_limit_that_is_raised_lets_more_go_and_a_lowered_one_those_that_were_claimed_before() -> None:
    three = [call(1, 10, 20), call(2, 11, 20), call(3, 12, 20)]
    assert found(three, [AT_ONCE, Put(KEY, 11.8, 11.9, concurrency=3)]) == []
    lowered = [Put(KEY, 0, 0.1, concurrency=3), Put(KEY, 11.5, 11.6, concurrency=1)]
    assert found(three, lowered, {3: 11.4}) == []
    assert found(three, lowered, {3: 11.8}) == ["at once"]


def test_what_came_before_the_first_limit_is_not_judged() -> None:
    assert found([call(1, 1, 20), call(2, 2, 20), call(3, 3, 20)], [Put(KEY, 5, 5.1, concurrency=1)]) == []
