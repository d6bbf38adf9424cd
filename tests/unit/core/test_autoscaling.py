"""How many workers there are to be, decided from what lies in the queues."""

from __future__ import annotations

import pytest

from core.autoscaling import NO_LOAD, Load, change, workers_for


@pytest.mark.parametrize(
    ("load", "workers", "by"),
    [
        (Load(11, 0), 1, 1),
        (Load(11, 0), 4, 1),
        (Load(11, 0), 5, 0),
        (Load(10, 0), 1, 0),
        (Load(10, 0), 3, 0),
        (Load(1_000, 40), 5, 0),
        (NO_LOAD, 5, -1),
        (NO_LOAD, 2, -1),
        (NO_LOAD, 1, 0),
        (Load(0, 1), 3, 0),
        (NO_LOAD, 0, 1),
        (None, 0, 1),
        (None, 1, 0),
        (None, 5, 0),
    ],
)
def test_more_than_ten_waiting_adds_one_and_nothing_at_all_removes_one(
    load: Load | None, workers: int, by: int
) -> None:
    assert change(load, workers) == by


def test_whatever_the_load_there_are_from_one_to_five() -> None:
    for load in (NO_LOAD, Load(5, 5), Load(10_000, 0), None):
        workers = 0
        for _ in range(20):
            workers += change(load, workers)
            assert 1 <= workers <= 5


@pytest.mark.parametrize(
    ("load", "workers", "planned", "by"),
    [
        (NO_LOAD, 1, 4, 3),
        (NO_LOAD, 0, 4, 4),
        (NO_LOAD, 3, 9, 2),
        (None, 1, 3, 2),
        (NO_LOAD, 3, 3, 0),
        (NO_LOAD, 4, 3, -1),
        (None, 4, 3, 0),
        (Load(11, 0), 3, 3, 1),
        (Load(11, 0), 5, 3, 0),
        (Load(0, 1), 2, 0, 0),
    ],
)
def test_what_planned_runs_need_is_added_at_once_and_not_removed(
    load: Load | None, workers: int, planned: int, by: int
) -> None:
    assert change(load, workers, planned) == by


@pytest.mark.parametrize(
    ("threads", "workers"), [(0.0, 0), (0.1, 1), (16.0, 1), (16.000000001, 1), (16.1, 2), (80.0, 5), (800.0, 50)]
)
def test_threads_that_are_needed_are_those_of_so_many_workers(threads: float, workers: int) -> None:
    assert workers_for(threads, 16) == workers
