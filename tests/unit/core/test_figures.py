"""Reckoning: percentiles, minutes, what a worker shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.figures import minutes_between, percentile, whole_minute
from core.workers import WorkerStatus, worker_status
from tests.factories import NOON


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([3.0], 3.0),
        ([2.0, 1.0], 2.0),
        (list(range(1, 21)), 19),
        (list(range(100, 0, -1)), 95),
        (list(range(1, 102)), 96),
    ],
)
def test_the_95th_percentile_is_the_least_value_that_95_of_100_do_not_exceed(
    values: list[float], expected: float | None
) -> None:
    assert percentile(values, 0.95) == expected


def test_minutes_are_counted_from_their_beginning() -> None:
    within = NOON + timedelta(seconds=59.999)
    assert whole_minute(within) == NOON
    assert minutes_between(NOON, NOON + timedelta(minutes=2)) == [NOON, NOON + timedelta(minutes=1)]
    assert minutes_between(NOON, NOON) == []
    assert minutes_between(NOON + timedelta(minutes=2), NOON) == []


@pytest.mark.parametrize(
    ("silent_seconds", "stopped", "expected"),
    [
        (0, False, WorkerStatus.ALIVE),
        (60, False, WorkerStatus.ALIVE),
        (61, False, WorkerStatus.SILENT),
        (61, True, WorkerStatus.STOPPED),
        (0, True, WorkerStatus.STOPPED),
    ],
)
def test_a_worker_is_silent_when_it_was_not_heard_of_for_a_lease(
    silent_seconds: float, stopped: bool, expected: WorkerStatus
) -> None:
    now = NOON + timedelta(seconds=silent_seconds)
    assert worker_status(NOON, now if stopped else None, now, 60) is expected
