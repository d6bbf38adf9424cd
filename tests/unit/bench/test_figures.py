"""The statistics of the benchmarks."""

from __future__ import annotations

import pytest

from bench import figures
from bench.figures import Result, Row
from bench.measurements import recovery
from processes.programs import ProgramError


def row(name: str, *values: float) -> Row:
    return Row(name, [{"per_s": value} for value in values])


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    # A slow third round befalls both, and so changes nothing.
    assert figures.ratio([200, 220, 40], [100, 110, 20]) == 2


def test_a_ratio_to_nothing_is_none() -> None:
    assert figures.ratio([1], [0]) is None
    assert figures.ratio([], [1]) is None


def test_a_spread_is_told_in_percent_of_the_median() -> None:
    assert figures.spread_percent([90, 100, 110]) == 20


def test_one_value_has_no_spread() -> None:
    assert figures.spread_percent([5]) is None


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 50), (0.99, 99), (1, 100)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert figures.percentile(list(range(100, 0, -1)), share) == value


def test_a_distribution_has_its_prefix() -> None:
    assert figures.distribution([3, 1, 2], "arrived_") == {
        "arrived_p50": 2,
        "arrived_p95": 3,
        "arrived_p99": 3,
        "arrived_max": 3,
    }


def test_rows_are_compared_with_the_first() -> None:
    result = Result("drain", "Drained", ("per_s",), [row("dramatiq", 100, 200), row("Carillon, 2 x 8", 50, 100)])
    assert result.ratio(result.rows[1]) == 0.5


def test_this_tree_is_compared_with_every_peer_and_with_its_own_row_at_an_earlier_commit() -> None:
    names = ["Celery", "Carillon at 1a2b3c, 2 x 8", "Carillon, 2 x 8", "Carillon at 1a2b3c, 2 x 32", "Carillon, 2 x 32"]
    result = Result("drain", "Drained", ("per_s",), [row(name, 10) for name in names])
    compared = {(ours.name, other.name) for ours, other, _ in result.comparisons()}
    assert compared == {
        ("Carillon, 2 x 8", "Celery"),
        ("Carillon, 2 x 8", "Carillon at 1a2b3c, 2 x 8"),
        ("Carillon, 2 x 32", "Celery"),
        ("Carillon, 2 x 32", "Carillon at 1a2b3c, 2 x 32"),
    }


def test_full_speed_is_back_in_the_first_quarter_of_a_second_that_is_fast_enough() -> None:
    finished = [100.1, 100.6, 100.8, 100.85, 100.9]
    assert recovery.rates(finished, 100, 101) == [4, 0, 4, 12]
    assert recovery.seconds_to_full_speed(finished, 100, rate=14) == 0.75


def test_full_speed_that_does_not_come_back_is_an_error() -> None:
    with pytest.raises(ProgramError):
        recovery.seconds_to_full_speed([], 100, rate=10)
