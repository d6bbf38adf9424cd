"""How long runs usually take, and which take much longer."""

from __future__ import annotations

import pytest

from core import usual
from core.figures import MINUTE
from core.usual import Slower, Taken, Usual
from tests.factories import NOON


def taken(*seconds: float) -> list[Taken]:
    """Runs that took so long, newest first, each begun a minute before the next."""
    return [Taken(NOON - number * MINUTE, one) for number, one in enumerate(seconds)]


def test_of_few_runs_nothing_is_usual() -> None:
    assert usual.of([]) is None
    assert usual.of(taken(1, 2)) is None
    assert usual.of(taken(1, 2, 3)) == Usual(2, 3, 3)


def test_half_of_the_runs_took_no_longer_and_one_in_twenty_did() -> None:
    found = usual.of(taken(*range(1, 21)))
    assert found == Usual(10.0, 19.0, 20)


def test_of_few_runs_the_most_is_the_longest() -> None:
    assert Usual(1.0, 2.0, 6).most_is_longest
    assert Usual(1.0, 2.0, 19).most_is_longest
    assert not Usual(1.0, 2.0, 20).most_is_longest


def test_slow_runs_in_a_row_do_not_become_usual_at_once() -> None:
    found = usual.of(taken(*[80.0] * 50, *[4.0] * 60))
    assert found == Usual(4.0, 4.0, 60, Slower(20.0, 80.0, NOON - 49 * MINUTE, 50))
    assert usual.of(taken(*[80.0] * 95, *[4.0] * 25)) == Usual(80.0, 80.0, 120), "by then it is what is usual"


def test_one_slow_run_or_one_among_others_is_no_change() -> None:
    for seconds in ([80.0, *[4.0] * 9], [4.0, 80.0, 80.0, *[4.0] * 9]):
        found = usual.of(taken(*seconds))
        assert found is not None
        assert found.slower is None


@pytest.mark.parametrize(
    ("seconds", "is_slow"),
    [(15.0, False), (20.0, False), (20.1, True), (600.0, True)],
)
def test_a_run_is_slow_that_takes_twice_as_long_as_usual(seconds: float, is_slow: bool) -> None:
    assert Usual(10.0, 15.0, 20).is_exceeded_by(seconds) is is_slow


def test_a_run_is_not_slow_for_what_others_took_or_for_less_than_a_second() -> None:
    assert not Usual(1.0, 40.0, 20).is_exceeded_by(39.0)
    assert not Usual(0.01, 0.02, 20).is_exceeded_by(0.9)
