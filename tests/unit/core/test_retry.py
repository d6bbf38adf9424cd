"""Whether and when a run is tried again."""

from __future__ import annotations

import pytest

from core.errors import PermanentFailure, TransientFailure
from core.retry import GIVE_UP, RetryPolicy, after_failure, after_loss

ALMOST_ONE = 0.999_999
POLICY = RetryPolicy(max_retries=100, base_seconds=60)


def failure(retry_after_seconds: float | None = None) -> TransientFailure:
    return TransientFailure("The receiver is down.", retry_after_seconds=retry_after_seconds)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 60), (2, 120), (3, 240), (6, 1920), (7, 3600), (8, 3600), (100, 3600)]
)
def test_the_wait_doubles_with_each_failure_up_to_an_hour(failures: int, seconds: float) -> None:
    assert after_failure(POLICY, failures, failure(), spread=0).wait_seconds == seconds


@pytest.mark.parametrize("failures", [1, 4, 50])
def test_runs_that_fail_together_are_parted_by_at_most_a_tenth_of_the_wait(failures: int) -> None:
    shortest, middle, longest = (
        after_failure(POLICY, failures, failure(), spread).wait_seconds or 0 for spread in (0, 0.5, ALMOST_ONE)
    )
    assert shortest < middle < longest
    assert middle == pytest.approx(shortest * 1.05)
    assert longest == pytest.approx(shortest * 1.1, rel=1e-5)
    assert longest < shortest * 1.1


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(None, 60), (0, 60), (59, 60), (61, 61), (3601, 3601), (86_400, 86_400), (86_401, 86_400), (1e12, 86_400)],
)
def test_the_answers_retry_after_is_a_floor_of_at_most_a_day(retry_after: float | None, seconds: float) -> None:
    assert after_failure(POLICY, 1, failure(retry_after), spread=0).wait_seconds == seconds


def test_the_spread_does_not_come_on_top_of_retry_after() -> None:
    assert after_failure(POLICY, 1, failure(100), ALMOST_ONE).wait_seconds == 100


@pytest.mark.parametrize(("failures", "again"), [(1, True), (3, True), (4, False), (5, False)])
def test_three_retries_make_four_attempts(failures: int, again: bool) -> None:
    decision = after_failure(RetryPolicy(3, 60), failures, failure(), spread=0)
    assert (decision != GIVE_UP) is again


def test_no_retries_mean_one_attempt() -> None:
    assert after_failure(RetryPolicy(0, 60), 1, failure(), spread=0) == GIVE_UP


def test_a_permanent_failure_is_not_tried_again_whatever_the_answer_says() -> None:
    hopeless = PermanentFailure("It is gone.", status_code=410, retry_after_seconds=5)
    assert after_failure(POLICY, 1, hopeless, spread=0) == GIVE_UP


def test_a_base_below_a_second_stays_below_a_second() -> None:
    assert after_failure(RetryPolicy(3, 0.5), 1, failure(), spread=0).wait_seconds == 0.5


@pytest.mark.parametrize("failures", [1_000, 10_000])
def test_many_failures_make_no_number_too_large(failures: int) -> None:
    assert after_failure(RetryPolicy(100_000, 1e-300), failures, failure(), spread=0).wait_seconds is not None
    assert after_failure(RetryPolicy(100_000, 60), failures, failure(), spread=0).wait_seconds == 3600


def test_a_lost_attempt_waits_a_second_then_two_and_the_third_is_the_last() -> None:
    assert [after_loss(losses, spread=0).wait_seconds for losses in (1, 2, 3, 4)] == [1, 2, None, None]
    assert 1 < (after_loss(1, ALMOST_ONE).wait_seconds or 0) < 1.1


@pytest.mark.parametrize(
    ("base", "longest", "failures", "seconds"),
    [
        (5e-324, 3600, 1, 0.01),
        (5e-324, 3600, 10, 5.12),
        (60, 5e-324, 10, 0.01),
        (1e300, 1e300, 1, 365 * 86_400),
        (1e308, 1e308, 100, 365 * 86_400),
    ],
)
def test_a_policy_that_no_job_could_be_given_today_waits_within_bounds(
    base: float, longest: float, failures: int, seconds: float
) -> None:
    decision = after_failure(RetryPolicy(100, base, longest), failures, failure(), spread=0)
    assert decision.wait_seconds == pytest.approx(seconds)


@pytest.mark.parametrize("odd", [float("nan"), "soon", -1, True, [], None])
def test_a_retry_after_that_is_no_time_is_not_heeded(odd: float) -> None:
    assert after_failure(POLICY, 1, failure(odd), spread=0).wait_seconds == 60


def test_an_endless_retry_after_is_a_day() -> None:
    assert after_failure(POLICY, 1, failure(float("inf")), spread=0).wait_seconds == 86_400
