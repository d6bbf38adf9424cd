"""How long runs usually take, and which take much longer."""

from __future__ import annotations

import pytest

from core import usual
from core.usual import Usual


def test_of_few_runs_nothing_is_usual() -> None:
    assert usual.of([]) is None
    assert usual.of([1.0, 2.0]) is None
    assert usual.of([1.0, 2.0, 3.0]) == Usual(2.0, 3.0, 3)


def test_half_of_the_runs_took_no_longer_and_one_in_twenty_did() -> None:
    found = usual.of([float(seconds) for seconds in range(1, 21)])
    assert found == Usual(10.0, 19.0, 20)


@pytest.mark.parametrize(
    ("seconds", "is_slow"),
    [(15.0, False), (20.0, False), (20.1, True), (600.0, True)],
)
def test_a_run_is_slow_that_takes_twice_as_long_as_usual(seconds: float, is_slow: bool) -> None:
    assert Usual(10.0, 15.0, 20).is_exceeded_by(seconds) is is_slow


def test_a_run_is_not_slow_for_what_others_took_or_for_less_than_a_second() -> None:
    assert not Usual(1.0, 40.0, 20).is_exceeded_by(39.0)
    assert not Usual(0.01, 0.02, 20).is_exceeded_by(0.9)
