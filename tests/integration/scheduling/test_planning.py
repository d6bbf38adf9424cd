"""Plan: rows for the coming occurrences, made ahead, each exactly once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.policies import CatchUp
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Immediate, Polling, RunAt, Schedule
from core.states import RunStatus, Trigger
from models import database
from models import jobs as job_queries
from models.tables import Job, db
from services.jobs import creating
from services.reading.explaining import explanations
from services.scheduling import dispatching, planning
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    first_run,
    given_system,
    in_threads,
    new_job,
    record,
    runs_of,
    stored_job,
    succeeded,
)
from tests.integration.scheduling.planned import EVERY_MINUTE, in_minutes, made, minutes, plan_all
from tests.integration.scheduling.refusing import refuse

# --- Ahead, and once ---------------------------------------------------------------------------------------


def test_a_new_job_has_rows_for_the_coming_150_seconds(system: GivenSystem) -> None:
    job_id = made(system)
    assert minutes(job_id) == [1, 2]
    assert {(run.status, run.trigger) for run in runs_of(job_id)} == {(RunStatus.PENDING, Trigger.SCHEDULE)}
    assert stored_job(job_id).next_run_at == in_minutes(3)


def test_an_occurrence_at_the_very_horizon_is_planned(system: GivenSystem) -> None:
    system.clock.advance(30)
    assert minutes(made(system)) == [1, 2, 3]


@pytest.mark.parametrize("pause", [7, 60, 75, 150])
def test_each_occurrence_gets_one_row_however_often_it_is_planned(system: GivenSystem, pause: float) -> None:
    job_id = made(system)
    while system.clock.now() < in_minutes(10):
        system.clock.advance(pause)
        planning.plan(system)
        planning.plan(system)
    planned = minutes(job_id)
    assert planned == list(range(1, len(planned) + 1))
    assert len(planned) >= 12


def test_planning_says_how_many_jobs_it_took(system: GivenSystem) -> None:
    for _ in range(3):
        made(system)
    assert planning.plan(system) == 0
    system.clock.advance(60)
    assert planning.plan(system) == 3
    assert planning.plan(system) == 0


def test_more_jobs_than_a_batch_are_planned_batch_by_batch(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)
    made_ids = [made(system) for _ in range(5)]
    system.clock.advance(60)
    assert [planning.plan(system) for _ in range(4)] == [2, 2, 1, 0]
    assert all(minutes(job_id) == [1, 2, 3] for job_id in made_ids)


@pytest.mark.parametrize("schedule", [Immediate(), RunAt(in_minutes(1)), DelayFromNow(60), Polling(30)])
def test_what_does_not_come_back_is_never_planned_again(system: GivenSystem, schedule: Schedule) -> None:
    job_id = first_run(system, schedule).job_id
    system.clock.advance(3600)
    assert planning.plan(system) == 0
    assert len(runs_of(job_id)) == 1


@pytest.mark.parametrize("planners", [2, 8])
def test_planners_at_once_make_each_row_once(postgresql: str, planners: int) -> None:
    system = given_system()
    job_ids = [made(system) for _ in range(12)]
    for _ in range(5):
        system.clock.advance(60)
        in_threads(planners, lambda _: plan_all(system))
    plan_all(system)
    assert {tuple(minutes(job_id)) for job_id in job_ids} == {tuple(range(1, 8))}
    assert {stored_job(job_id).next_run_at for job_id in job_ids} == {in_minutes(8)}


def test_a_planner_leaves_a_job_to_whoever_is_planning_it(postgresql: str) -> None:
    system = given_system()
    busy, free = made(system), made(system)
    system.clock.advance(60)
    with database.transaction():
        job_queries.lock([busy])
        assert in_threads(1, lambda _: planning.plan(system)) == [1]
    assert (minutes(busy), minutes(free)) == ([1, 2], [1, 2, 3])
    planning.plan(system)
    assert minutes(busy) == [1, 2, 3]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_job_whose_rows_the_database_refuses_is_put_off_and_keeps_no_other_waiting(system: GivenSystem) -> None:
    refused, other = made(system), made(system)
    refuse("INSERT ON runs", refused, "job_id")
    system.clock.advance(60)
    assert planning.plan(system) == 2
    assert (minutes(refused), minutes(other)) == ([1, 2], [1, 2, 3])
    assert stored_job(refused).put_off_until == system.clock.now() + planning.PUT_OFF
    assert stored_job(other).next_run_at == in_minutes(4)
    assert planning.plan(system) == 0


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_occurrences_that_the_database_refused_are_decided_by_the_policy_once_it_takes_them(
    system: GivenSystem,
) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron(EVERY_MINUTE), catch_up=CatchUp.ALL))
    refuse("INSERT ON runs", job_id, "job_id")
    system.clock.advance(60)
    for _ in range(2):
        planning.plan(system)
        system.clock.advance(planning.PUT_OFF.total_seconds())
    assert minutes(job_id) == [1, 2], "it is refused at each try"
    told = explanations.explain(LOCAL, system, job_id, in_minutes(3)).answer
    assert "plan_refused" in told
    with database.transaction():
        db.execute_sql("DROP TRIGGER refused")
    plan_all(system)
    assert minutes(job_id) == list(range(1, 24)), "none is passed over"
    assert stored_job(job_id).put_off_until is None


def test_a_schedule_that_cannot_be_read_for_a_while_passes_over_no_occurrence(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron(EVERY_MINUTE), catch_up=CatchUp.ALL))
    with database.transaction():
        read = Job.get_by_id(job_id).schedule
        Job.update(schedule={"type": "of another release"}).execute()
    system.clock.advance(120)
    assert [planning.plan(system), planning.plan(system)] == [1, 0]
    system.clock.advance(planning.PUT_OFF.total_seconds())
    with database.transaction():
        Job.update(schedule=read).execute()
    plan_all(system)
    assert minutes(job_id) == list(range(1, 15))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_job_whose_rows_are_refused_can_be_edited_and_is_planned_at_once(system: GivenSystem) -> None:
    job_id = made(system)
    refuse("INSERT ON runs", job_id, "job_id")
    system.clock.advance(600)
    planning.plan(system)
    assert stored_job(job_id).put_off_until is not None
    with database.transaction():
        planning.plan_until_now(job_queries.lock([job_id])[job_id], system.clock.now())
    assert (stored_job(job_id).put_off_until, stored_job(job_id).next_run_at) == (None, in_minutes(11))


def test_rows_that_are_there_already_stay_as_they_are(system: GivenSystem) -> None:
    """Even if the watermark were put back, no occurrence would come twice."""
    job_id = made(system)
    before = [run.id for run in runs_of(job_id)]
    with database.transaction():
        Job.update(next_run_at=in_minutes(1)).execute()
    planning.plan(system)
    assert [run.id for run in runs_of(job_id)] == before
    assert stored_job(job_id).next_run_at == in_minutes(3)


# --- Clocks ------------------------------------------------------------------------------------------------


def test_the_watermark_never_goes_back(system: GivenSystem) -> None:
    job_id = made(system)
    reached = in_minutes(3)
    for seconds in (60, -3600, 30, 3700, -7200, 7300):
        system.clock.advance(seconds)
        planning.plan(system)
        watermark = stored_job(job_id).next_run_at
        assert watermark is not None
        assert watermark >= reached
        reached = watermark


def test_a_clock_set_back_an_hour_makes_no_occurrence_twice(system: GivenSystem) -> None:
    job_id = made(system)
    system.clock.advance(60)
    planning.plan(system)
    before = [run.id for run in runs_of(job_id)]
    system.clock.set(NOON - timedelta(hours=1))
    planning.plan(system)
    assert [run.id for run in runs_of(job_id)] == before
    for _ in range(62):
        system.clock.advance(60)
        planning.plan(system)
    planned = minutes(job_id)
    assert planned == list(range(1, len(planned) + 1))


def test_an_occurrence_fired_before_the_clock_went_back_does_not_fire_again(system: GivenSystem) -> None:
    job_id = made(system)
    system.clock.advance(60)
    dispatching.make_due(system, [runs_of(job_id)[0].id])
    record(system, claim_one(system), succeeded())
    system.clock.set(NOON - timedelta(hours=1))
    planning.plan(system)
    system.clock.advance(3660)
    planning.plan(system)
    due = [run_id for run_id, _ in dispatching.due_soon(system)]
    assert dispatching.make_due(system, due) == 0
    assert [run.status for run in runs_of(job_id)][:2] == [RunStatus.COMPLETED, RunStatus.PENDING]


def test_a_cron_in_a_zone_is_planned_through_both_clock_changes(system: GivenSystem) -> None:
    system.clock.set(datetime.fromisoformat("2027-03-27T12:00:00+00:00"))
    spring = made(system, "30 2 * * *", timezone="Europe/Berlin")
    system.clock.set(datetime.fromisoformat("2027-03-28T00:58:00+00:00"))
    planning.plan(system)
    assert [run.scheduled_for.isoformat() for run in runs_of(spring)] == ["2027-03-28T01:00:00+00:00"]
    assert stored_job(spring).next_run_at == datetime.fromisoformat("2027-03-29T00:30:00+00:00")
