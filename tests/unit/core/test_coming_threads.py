"""How many threads runs need, by the busiest minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from core.coming_threads import Work, by_queue, within
from core.policies import Overlap

START = datetime(2026, 11, 30, 12, 0, 20, tzinfo=UTC)
END = START + timedelta(minutes=5)
MINUTE = START.replace(second=0)


def work(
    minute: float,
    seconds: float,
    *,
    job_id: UUID | None = None,
    queue: str = "q",
    overlap: Overlap = Overlap.SKIP,
    runs: int = 1,
) -> Work:
    """A run that is due so many minutes after noon; of a job of its own unless one is given."""
    return Work(job_id or uuid4(), queue, overlap, MINUTE + timedelta(minutes=minute), seconds, runs)


def needed(*planned: Work) -> float:
    return by_queue(planned, START, END).get("q", 0.0)


def test_a_minute_needs_the_seconds_that_fall_into_it_by_sixty() -> None:
    assert needed() == 0
    assert needed(work(1, 30)) == 0.5
    assert needed(work(1, 30), work(1.2, 30)) == 1


def test_the_busiest_minute_counts_and_not_the_mean_wherever_the_burst_is() -> None:
    for minute in range(5):
        burst = [work(minute + 0.4, 36) for _ in range(100)]
        assert needed(*burst, *(work(other, 6) for other in range(1, 5))) >= 60


def test_a_long_run_keeps_one_thread_through_the_minutes_that_it_takes() -> None:
    assert needed(work(1, 3_600)) == 1
    assert needed(work(1.5, 60)) == 0.5
    assert needed(work(1, 3_600), work(4, 3_600)) == 2


@pytest.mark.parametrize(
    ("overlap", "threads"),
    [(Overlap.ALLOW, 1.5), (Overlap.SKIP, 1.0), (Overlap.QUEUE_ONE, 1.0), (Overlap.CANCEL_PREVIOUS, 1.0)],
)
def test_a_job_whose_runs_do_not_overlap_needs_one_thread_at_most(overlap: Overlap, threads: float) -> None:
    each_minute = [work(minute, 90, job_id=UUID(int=1), overlap=overlap) for minute in (1, 2, 3, 4)]
    assert needed(*each_minute) == threads


def test_queues_are_counted_one_by_one() -> None:
    found = by_queue([work(1, 60), work(2, 30, queue="r")], START, END)
    assert found == {"q": 1, "r": 0.5}


def test_what_is_due_after_the_end_is_not_counted() -> None:
    assert needed(work(6, 60)) == 0
    assert needed(work(5, 60)) == pytest.approx(20 / 60), "the last minute ends at the end"


@pytest.mark.parametrize("minute", [-600, 0, 1 / 3])
def test_what_is_due_already_counts_from_the_beginning_of_the_minute(minute: float) -> None:
    assert needed(work(minute, 60)) == 1


def test_many_runs_alike_need_as_many_threads_as_each_of_them() -> None:
    assert needed(work(1, 90, overlap=Overlap.ALLOW, runs=7)) == 7
    assert needed(work(1, 15, overlap=Overlap.ALLOW, runs=7)) == 7 / 4


def test_of_a_bound_on_all_queues_each_has_a_part_in_proportion() -> None:
    assert within({"q": 6.0, "r": 2.0, "s": 0.0}, 4) == {"q": 3.0, "r": 1.0, "s": 0.0}
    for most in (None, 8, 9):
        assert within({"q": 6.0, "r": 2.0}, most) == {"q": 6.0, "r": 2.0}
    assert within({"q": 0.0}, 1) == {"q": 0.0}
