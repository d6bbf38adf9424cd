"""Forecasts: given where something supports them, and None elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from core import forecasts
from core.forecasts import Point
from core.limits import Limit
from core.rates import Rate
from tests.factories import NOON

SIX_A_MINUTE = Rate(6, 60)


def points(*shares: float) -> Sequence[Point]:
    """One share a minute, the newest at noon."""
    return [Point(NOON - timedelta(minutes=len(shares) - 1 - at), share) for at, share in enumerate(shares)]


def test_a_rate_needs_its_span_for_each_of_its_calls() -> None:
    limit = Limit(rate=SIX_A_MINUTE)
    assert forecasts.drain_seconds(289, limit, 0, NOON) == 2_890
    assert forecasts.drain_seconds(289, limit, 3, NOON) == 2_860
    assert forecasts.drain_seconds(2, limit, 6, NOON) == 0


@pytest.mark.parametrize(
    ("waiting", "limit"),
    [
        (0, Limit(rate=SIX_A_MINUTE)),
        (9, Limit(concurrency=3)),
        (9, Limit(concurrency=3, rate=SIX_A_MINUTE)),
        (9, Limit(rate=SIX_A_MINUTE, expires_at=NOON + timedelta(seconds=80))),
        (9, Limit(weight=0.5)),
    ],
)
def test_what_has_no_known_pace_is_not_forecast(waiting: int, limit: Limit) -> None:
    assert forecasts.drain_seconds(waiting, limit, 0, NOON) is None


def test_a_rate_decides_where_as_many_may_run_at_once() -> None:
    assert forecasts.drain_seconds(12, Limit(concurrency=6, rate=SIX_A_MINUTE), 0, NOON) == 120
    lasts = Limit(rate=SIX_A_MINUTE, expires_at=NOON + timedelta(minutes=2))
    assert forecasts.drain_seconds(12, lasts, 0, NOON) == 120


def test_progress_goes_on_at_its_pace() -> None:
    assert forecasts.done_at(points(0.1, 0.2, 0.3), NOON) == NOON + timedelta(minutes=7)
    assert forecasts.done_at(points(0.1, 0.1, 0.3), NOON) == NOON + timedelta(minutes=7)


@pytest.mark.parametrize(
    "told",
    [
        points(),
        points(0.1, 0.2),
        points(0.2, 0.2, 0.2),
        points(0.1, 0.3, 0.2),
        points(0.8, 0.9, 1.0),
        points(0.1, 0.1, 0.100_000_1),
        [Point(NOON, share) for share in (0.1, 0.2, 0.3)],
    ],
)
def test_progress_without_a_pace_is_not_forecast(told: Sequence[Point]) -> None:
    assert forecasts.done_at(told, NOON) is None


def test_an_instant_that_has_passed_is_no_forecast() -> None:
    assert forecasts.done_at(points(0.1, 0.5, 0.9), NOON + timedelta(minutes=1)) is None
