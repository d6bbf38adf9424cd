"""Many jobs in one transaction: all or none, or each that is valid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.errors import InvalidInput
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Immediate, Interval, Polling, Schedule
from core.states import Hold, RunStatus
from models.tables import App, Job, JobTag, Run
from services.jobs import accepting, creating, first_rings
from services.jobs.creation_outcomes import Created
from services.scheduling import pauses
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    create_jobs,
    given_system,
    in_threads,
    new_job,
    runs_of,
    stored_job,
)

SCHEDULES: list[Schedule] = [
    Immediate(),
    DelayFromNow(30),
    Polling(20),
    Cron("* * * * *", max_runs=1),
    Interval(every_seconds=60.0),
]
REFUSED = InvalidInput.at("task_type", "is wrong.")


def faults_of(created: Created) -> dict[str, str]:
    return {fault.field: fault.message for fault in created.faults}


def refusal(system: GivenSystem, wanted: list[Any]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        create_jobs(system, wanted, all_or_none=True)
    return {fault.field: fault.message for fault in refused.value.fields}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_a_job_of_many_is_stored_just_as_one_alone(system: GivenSystem, schedule: Schedule) -> None:
    wanted = new_job(schedule, tags=("b", "a", "b"), board_id=7)
    alone = creating.create(LOCAL, system, wanted)
    [one, other] = create_jobs(system, [wanted, wanted], all_or_none=True)
    ids = {alone, one.job_id, other.job_id}
    shown = [{**job.__data__, "id": None} for job in Job.select()]
    assert shown[0] == shown[1] == shown[2]
    runs = [[{**run.__data__, "id": None, "job": None} for run in runs_of(job_id)] for job_id in ids if job_id]
    assert runs[0] == runs[1] == runs[2]
    assert runs[0]
    assert JobTag.select().count() == 6


def test_a_thousand_jobs_are_stored_in_order_and_rung_for(system: GivenSystem) -> None:
    wanted = [new_job(task_type=f"type-{number}", name=f"job {number}") for number in range(1000)]
    created = create_jobs(system, wanted, all_or_none=True)
    stored = {job.id: job.task_type for job in Job.select()}
    assert [stored[one.job_id] for one in created if one.job_id] == [one.task_type for one in wanted]
    assert len(system.doorbell.heard()) == first_rings.MOST, "as many as there are threads to wake"
    assert len(claim(system, 1000)) == 1000


def test_of_all_or_none_one_wrong_job_leaves_none_and_every_fault_is_named(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(name="taken"))
    system.doorbell.heard()
    faults = refusal(
        system, [new_job(), REFUSED, new_job(deadline_at=NOON), new_job(name="taken"), new_job(app_name="app_b")]
    )
    assert set(faults) == {"jobs.1.task_type", "jobs.2.deadline", "jobs.3.name"}
    assert "'taken'" in faults["jobs.3.name"]
    assert (Job.select().count(), App.select().count(), system.doorbell.heard()) == (1, 1, [])


def test_of_each_those_that_are_right_are_created_and_the_others_told(system: GivenSystem) -> None:
    gone = Interval(every_seconds=1.0, ends_at=NOON - timedelta(days=1))
    created = create_jobs(
        system, [new_job(), REFUSED, new_job(gone), new_job(name="a"), new_job(name="a")], all_or_none=False
    )
    assert [sorted(faults_of(one)) for one in created] == [[], ["task_type"], ["schedule"], [], ["name"]]
    assert {job.id for job in Job.select()} == {created[0].job_id, created[3].job_id}
    assert Run.select().count() == 2


def test_a_name_is_taken_within_an_app_alone(system: GivenSystem) -> None:
    wanted = [new_job(name="a", app_name=app) for app in ("app_a", "app_b")]
    assert all(one.job_id for one in create_jobs(system, wanted, all_or_none=True))


def test_an_app_that_is_not_there_is_a_wrong_field_of_its_job(system: GivenSystem) -> None:
    guarded = given_system(internal_secret="a secret")  # noqa: S106  no app on first use
    assert set(refusal(guarded, [new_job()])) == {"jobs.0.app_name"}


def test_jobs_that_make_too_many_runs_at_once_are_refused(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "MAX_RUNS", 300)
    each_second = new_job(Interval(every_seconds=1.0))
    create_jobs(system, [each_second], all_or_none=True)
    with pytest.raises(InvalidInput, match="302 runs"):
        create_jobs(system, [each_second, each_second], all_or_none=False)


def test_jobs_of_a_paused_app_wait(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(DelayFromNow(5), app_name="paused"))
    pauses.pause_app(LOCAL, system, "paused")
    system.doorbell.heard()
    wanted = [new_job(app_name="paused"), new_job()]
    held, free = (one.job_id for one in create_jobs(system, wanted, all_or_none=True))
    assert held is not None
    assert [(run.status, run.held_by) for run in runs_of(held)] == [(RunStatus.QUEUED, Hold.PAUSED)]
    assert [work.job_id for work in claim(system)] == [free]
    assert len(system.doorbell.heard()) == 1


def test_the_names_of_jobs_made_at_once_have_one_owner_and_nobody_waits_for_ever(postgresql: str) -> None:
    system = given_system()
    for lap in range(5):
        names = [f"name {lap}.{number}" for number in range(50)]

        def create(number: int, names: list[str] = names) -> list[Created]:
            order = names if number % 2 else names[::-1]
            return create_jobs(system, [new_job(name=name) for name in order], all_or_none=False)

        created = [one for answer in in_threads(4, create) for one in answer]
        made = {one.job_id for one in created if one.job_id}
        assert len(made) == len(names)
        assert {stored_job(job_id).name for job_id in made} == set(names)
        assert all(set(faults_of(one)) == {"name"} for one in created if one.job_id is None)
