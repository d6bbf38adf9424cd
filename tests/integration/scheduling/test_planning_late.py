"""Occurrences that are planned too late: caught up or missed."""

from __future__ import annotations

from datetime import timedelta

from core.states import RunStatus
from services.scheduling import dispatching, planning
from tests.factories import (
    GivenSystem,
    runs_of,
    stored_job,
)
from tests.integration.scheduling.planned import after_an_outage, in_minutes, made, minutes


def test_rows_made_up_to_a_minute_late_all_run(system: GivenSystem) -> None:
    job_id = made(system, "*/5 * * * *")
    system.clock.advance(6 * 60)
    planning.plan(system)
    assert minutes(job_id, RunStatus.PENDING) == [5]


def test_of_the_occurrences_of_an_outage_the_newest_runs_and_the_others_are_missed(system: GivenSystem) -> None:
    job_id = after_an_outage(system, minutes=10)
    assert minutes(job_id, RunStatus.MISSED) == [3, 4, 5, 6, 7]
    assert minutes(job_id, RunStatus.PENDING) == [1, 2, 8, 9, 10, 11, 12]
    missed = [run for run in runs_of(job_id) if run.status is RunStatus.MISSED]
    assert all(run.finished_at == system.clock.now() and run.reason and run.occurrences == 1 for run in missed)


def test_rows_planned_in_time_run_however_late_they_are_dispatched(system: GivenSystem) -> None:
    job_id = after_an_outage(system, minutes=10)
    first = runs_of(job_id)[0]
    assert dispatching.make_due(system, [first.id]) == 1


def test_more_than_a_thousand_missed_ones_are_one_row_with_the_count(system: GivenSystem) -> None:
    job_id = after_an_outage(system, minutes=1_100)
    [gap] = [run for run in runs_of(job_id) if run.status is RunStatus.MISSED]
    assert gap.scheduled_for == in_minutes(3)
    assert gap.occurrences == 1_097 - 2  # all between those planned in time before the outage and after it
    assert minutes(job_id, RunStatus.PENDING) == [1, 2, 1_098, 1_099, 1_100, 1_101, 1_102]


def test_what_is_older_than_a_day_is_not_caught_up(system: GivenSystem) -> None:
    job_id = after_an_outage(system, "0 13 * * 5", minutes=60 * 25 + 1)  # an hour after noon, on Fridays
    assert minutes(job_id, RunStatus.MISSED) == [60]
    assert minutes(job_id, RunStatus.PENDING) == []
    assert stored_job(job_id).next_run_at == in_minutes(60) + timedelta(days=7)


def test_what_is_younger_than_a_day_is_caught_up(system: GivenSystem) -> None:
    job_id = after_an_outage(system, "0 13 * * 5", minutes=60 * 25)
    assert minutes(job_id, RunStatus.PENDING) == [60]


def test_an_occurrence_caught_up_is_due_at_once(system: GivenSystem) -> None:
    job_id = after_an_outage(system, "0 13 * * *", minutes=90)
    [late] = runs_of(job_id)
    assert [run_id for run_id, _ in dispatching.due_soon(system)] == [late.id]
    assert dispatching.make_due(system, [late.id]) == 1
