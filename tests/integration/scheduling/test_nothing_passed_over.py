"""Every instant that a schedule names is planned once, however edits, outages, backfills and new zone data meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.policies import CatchUp, Overlap
from core.principals import LOCAL
from core.schedules import Cron, Interval, Schedule
from core.states import JobState, RunStatus
from models import database
from models.tables import Job
from services.jobs import backfill, creating, definition, editing, requested_runs
from services.jobs import run_actions as run_service
from services.reading.views import JobView
from services.scheduling import dispatching, planning, timezones
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    new_job,
    record,
    refused,
    runs_of,
    stored_job,
    succeeded,
)

MINUTELY = Interval(every_seconds=60)
HOURLY = Interval(every_seconds=3600)


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def reschedule(system: GivenSystem, job_id: UUID, schedule: Schedule) -> None:
    def amend(view: JobView) -> definition.Definition:
        return replace(definition.of(stored_job(job_id), view.tags), schedule=schedule)

    editing.edit(LOCAL, system, job_id, amend)


def store(job_id: UUID, **columns: object) -> None:
    with database.transaction():
        Job.update(columns).where(Job.id == job_id).execute()


def test_a_zone_that_new_data_no_longer_knows_holds_up_no_refresh(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("0 * * * *", timezone="Europe/Paris")))
    store(job_id, schedule={"type": "cron", "expression": "0 * * * *", "timezone": "Europe/Atlantis"})
    timezones.refresh(system)
    assert stored_job(job_id).state is JobState.ACTIVE


def test_a_schedule_that_names_nothing_more_by_new_zone_data_ends(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("0 18 * * *", ends_at=NOON + timedelta(hours=7))))
    system.clock.advance(6.5 * 3600)
    store(job_id, next_run_at=NOON + timedelta(hours=6.8))  # what older data made of it
    timezones.refresh(system)
    system.clock.advance(86_400)
    planning.plan(system)
    make_due(system)
    assert stored_job(job_id).state is JobState.COMPLETED


def test_an_edit_plans_from_now_though_a_later_occurrence_was_cancelled(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY))
    run_service.cancel(LOCAL, system, runs_of(job_id)[-1].id)
    now = system.clock.advance(1)
    reschedule(system, job_id, Interval(every_seconds=10))
    pending = [run for run in runs_of(job_id) if run.status is RunStatus.PENDING and run.scheduled_for > now]
    assert pending[0].scheduled_for == now + timedelta(seconds=10)


def test_an_edit_after_an_outage_still_catches_up_what_the_former_schedule_named(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY, catch_up=CatchUp.ALL))
    system.clock.advance(600)
    reschedule(system, job_id, Interval(every_seconds=60, jitter_seconds=1.0))
    planning.plan(system)
    assert {NOON + timedelta(minutes=n) for n in range(11)} <= {run.scheduled_for for run in runs_of(job_id)}


def test_catching_up_the_latest_runs_one_though_exactly_a_batch_was_missed(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST", 5)
    ten_minutes = Interval(every_seconds=600, starts_at=NOON + timedelta(seconds=600))
    job_id = creating.create(LOCAL, system, new_job(ten_minutes))
    system.clock.advance(5 * 600 + 100)
    while planning.plan(system):
        pass
    assert [run.status for run in runs_of(job_id)].count(RunStatus.MISSED) == 4


def test_what_is_not_planned_yet_is_left_to_catch_up_and_not_backfilled_besides(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY, catch_up=CatchUp.ALL, overlap=Overlap.ALLOW))
    make_due(system)
    system.clock.advance(600)
    backfill.backfill(LOCAL, system, job_id, NOON, system.clock.now())
    planning.plan(system)
    make_due(system)
    ran = [run.scheduled_for for run in runs_of(job_id) if run.status is RunStatus.QUEUED]
    assert ran == sorted(set(ran))


def test_a_backfill_leaves_alone_what_is_being_repeated_a_second_time(system: GivenSystem) -> None:
    job_id = creating.create(
        LOCAL, system, new_job(replace(HOURLY, starts_at=NOON + timedelta(hours=1)), overlap=Overlap.ALLOW)
    )
    before = NOON - timedelta(hours=1)
    store(job_id, schedule={"type": "interval", "every_seconds": 3600.0, "anchor_at": before.isoformat()})
    span = (before, before + timedelta(minutes=1))
    assert backfill.backfill(LOCAL, system, job_id, *span).made == 1
    for _ in range(2):
        work = claim_one(system)
        record(system, work, refused())
        requested_runs.replay(LOCAL, system, work.run_id)
    assert backfill.backfill(LOCAL, system, job_id, *span, again=True).made == 0


def test_an_occurrence_that_was_replayed_needs_no_backfill(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(HOURLY))
    make_due(system)
    occurrence = runs_of(job_id)[0]
    run_service.cancel(LOCAL, system, occurrence.id)
    requested_runs.replay(LOCAL, system, occurrence.id)
    record(system, claim_one(system), succeeded())
    system.clock.advance(10)
    assert backfill.backfill(LOCAL, system, job_id, NOON, NOON + timedelta(seconds=5)).made == 0
