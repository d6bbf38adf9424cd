"""Who gives way, who is counted and who has the turn when several runs of one job come at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Interval, RunAt
from core.states import Hold, JobState, RunStatus
from models import database
from models.tables import Run
from services.jobs import backfill, creating, definition, editing, requested_runs
from services.reading.views import JobView
from services.scheduling import dispatching, overlap_queue, planning
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    new_job,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)


def made(system: GivenSystem, overlap: Overlap, schedule: Interval | None = None, **options: float) -> UUID:
    return creating.create(LOCAL, system, new_job(schedule or Interval(every_seconds=60), overlap=overlap, **options))


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def after(system: GivenSystem, seconds: float) -> None:
    system.clock.advance(seconds)
    planning.plan(system)
    make_due(system)


def allow_overlap(system: GivenSystem, job_id: UUID) -> None:
    def amend(view: JobView) -> definition.Definition:
        return replace(definition.of(stored_job(job_id), view.tags), overlap=Overlap.ALLOW)

    editing.edit(LOCAL, system, job_id, amend)


def test_a_retry_that_is_due_with_a_newer_occurrence_gives_way_and_holds_up_nobody(system: GivenSystem) -> None:
    job_id = made(system, Overlap.CANCEL_PREVIOUS, retry_backoff_base=70.0)
    other = creating.create(LOCAL, system, new_job(RunAt(NOON + timedelta(seconds=100))))
    make_due(system)
    work = claim_one(system)
    record(system, work, failed())
    after(system, 110)
    assert runs_of(other)[0].status is RunStatus.QUEUED
    assert stored_run(work.run_id).status is RunStatus.CANCELLED
    assert [run.status for run in runs_of(job_id)[:2]] == [RunStatus.CANCELLED, RunStatus.QUEUED]


def test_a_newer_occurrence_does_not_replace_what_someone_requested(system: GivenSystem) -> None:
    later = Interval(every_seconds=60, starts_at=NOON + timedelta(seconds=60))
    requested = requested_runs.trigger(
        LOCAL, system, made(system, Overlap.CANCEL_PREVIOUS, later, retry_backoff_base=30.0)
    )
    record(system, claim_one(system), failed())
    after(system, 65)
    assert stored_run(requested.id).status is RunStatus.QUEUED


def test_each_occurrence_made_due_at_one_look_is_counted(system: GivenSystem) -> None:
    job_id = made(system, Overlap.ALLOW, Interval(every_seconds=1, max_runs=8))
    system.clock.advance(3)
    make_due(system)
    assert stored_job(job_id).runs_started == 4


def test_no_more_than_max_runs_start_though_several_are_due_at_each_look(system: GivenSystem) -> None:
    job_id = made(system, Overlap.ALLOW, Interval(every_seconds=1, max_runs=8))
    for _ in range(10):
        after(system, 3)
    assert [run.status for run in runs_of(job_id)].count(RunStatus.QUEUED) == 8


def test_one_that_succeeds_though_it_was_to_give_way_shows_no_reason(system: GivenSystem) -> None:
    made(system, Overlap.CANCEL_PREVIOUS)
    make_due(system)
    work = claim_one(system)
    system.clock.advance(60)
    make_due(system)
    record(system, work, succeeded())
    run = stored_run(work.run_id)
    assert (run.status, run.reason) == (RunStatus.COMPLETED, None)


def test_a_turn_never_starts_more_than_max_runs(system: GivenSystem) -> None:
    job_id = made(system, Overlap.QUEUE_ONE, Interval(every_seconds=60, max_runs=2))
    make_due(system)
    first = claim_one(system)
    after(system, 60)
    allow_overlap(system, job_id)
    after(system, 60)
    record(system, first, succeeded())
    for _ in range(2):
        for work in claim(system):
            record(system, work, succeeded())
        overlap_queue.give_all(system)
    assert len([run for run in runs_of(job_id) if run.started_at]) == 2
    assert stored_job(job_id).state is JobState.COMPLETED


def test_those_who_must_wait_do_not_keep_a_later_job_from_its_turn(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap_queue, "BATCH", 1)
    _, later = sorted(made(system, Overlap.QUEUE_ONE) for _ in range(2))
    make_due(system)
    going = {work.job_id: work.run_id for work in claim(system)}
    after(system, 60)
    ended = {"status": RunStatus.FAILED, "finished_at": system.clock.now(), "lease_expires_at": None, "worker_id": None}
    with database.transaction():  # as a rescue or an expiry leaves it
        Run.update(ended).where(Run.id == going[later]).execute()
    assert overlap_queue.give_all(system) == 1


def test_a_backfill_that_waits_does_not_take_the_place_of_the_one_that_may_wait(system: GivenSystem) -> None:
    job_id = made(system, Overlap.QUEUE_ONE)
    make_due(system)
    claim_one(system)
    system.clock.advance(3)
    backfill.backfill(LOCAL, system, job_id, NOON, NOON + timedelta(seconds=1), again=True)
    after(system, 57)
    second = next(run for run in runs_of(job_id) if run.scheduled_for == NOON + timedelta(seconds=60))
    assert (second.status, second.held_by) == (RunStatus.QUEUED, Hold.OVERLAP)
