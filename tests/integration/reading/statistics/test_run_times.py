"""How late runs began and how long they took, also where they were tried again, handed back or held."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core import schedules
from core.errors import AbortReason
from core.principals import LOCAL
from core.states import Hold
from models import run_holds
from models.tables import Run
from services.execution.work import Stopped
from services.jobs import creating, requested_runs
from services.reading import records
from services.reading.statistics import run_times
from services.reading.statistics.run_times import RunTimes
from services.scheduling import dispatching, planning
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    new_job,
    record,
    refused,
    runs_of,
    stored_run,
    succeeded,
)


def times(system: GivenSystem, run_id: UUID) -> RunTimes:
    run = records.whole_run(LOCAL, run_id, 1).run
    return run_times.of_runs([run], system.clock.now())[run_id]


def try_again(system: GivenSystem, run_id: UUID, after_seconds: float) -> None:
    """Have the attempt under way fail, and the run begin once more after so long."""
    [work] = [one for one in claim(system) if one.run_id == run_id]
    system.clock.advance(3)
    record(system, work, failed(retry_after_seconds=after_seconds))
    system.clock.advance(after_seconds * 1.5)
    dispatching.make_due(system, [run_id])


def test_a_run_has_no_times_before_it_begins(system: GivenSystem) -> None:
    assert times(system, first_run(system).id) == RunTimes(None, False, None, None)


def test_a_retry_changes_neither_how_late_a_run_began_nor_counts_as_work(system: GivenSystem) -> None:
    run = first_run(system, max_retries=5, retry_backoff_base=1.0)
    system.clock.advance(429)
    [work] = claim(system)
    system.clock.advance(3)
    record(system, work, failed(retry_after_seconds=60))
    system.clock.advance(30)
    assert times(system, run.id) == RunTimes(429, False, 3, None), "its only attempt took 3 s"
    system.clock.advance(60)
    dispatching.make_due(system, [run.id])
    try_again(system, run.id, 60)
    [work] = claim(system)
    system.clock.advance(5)
    assert times(system, run.id) == RunTimes(429, False, 5, 3 + 90 + 3 + 90 + 5)
    record(system, work, succeeded())
    system.clock.advance(1_000)
    assert times(system, run.id) == RunTimes(429, False, 5, 3 + 90 + 3 + 90 + 5)


def test_a_run_that_was_handed_back_is_as_late_as_its_first_attempt(system: GivenSystem) -> None:
    run = first_run(system)
    system.clock.advance(20)
    record(system, claim_one(system), Stopped(AbortReason.SHUTDOWN))
    system.clock.advance(300)
    claim_one(system)
    assert times(system, run.id).delay_seconds == 20


def test_jitter_is_no_delay_though_the_run_was_tried_again(system: GivenSystem) -> None:
    hourly = schedules.Cron("0 * * * *", jitter_seconds=600.0)
    job_id = creating.create(LOCAL, system, new_job(hourly, max_retries=5, retry_backoff_base=1.0))
    system.clock.advance(3_550)
    planning.plan(system)
    run = runs_of(job_id)[0]
    due_at = run.due_at
    assert due_at > run.scheduled_for
    system.clock.advance((due_at - system.clock.now()).total_seconds() + 2)
    dispatching.make_due(system, [run.id])
    try_again(system, run.id, 60)
    assert stored_run(run.id).due_at > due_at
    assert round(times(system, run.id).delay_seconds or 0.0, 3) == 2.0


def test_a_replay_is_due_when_it_is_asked_for(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(max_retries=5, retry_backoff_base=1.0))
    record(system, claim_one(system), refused())
    system.clock.advance(3_600)
    replay = requested_runs.replay(LOCAL, system, runs_of(job_id)[0].id)
    system.clock.advance(7)
    try_again(system, replay.id, 60)
    assert times(system, replay.id).delay_seconds == 7


def test_what_a_hold_took_counts_and_is_told(system: GivenSystem) -> None:
    run = first_run(system)
    with system.transaction() as unit:
        Run.update(held_by=Hold.PAUSED).where(Run.id == run.id).execute()
        run_holds.begin([run.id], unit.now)
    system.clock.advance(120)
    with system.transaction() as unit:
        Run.update(held_by=None).where(Run.id == run.id).execute()
        run_holds.end([run.id], unit.now)
    claim_one(system)
    assert times(system, run.id) == RunTimes(120, True, 0, None)
    assert stored_run(run.id).started_at == run.due_at + timedelta(seconds=120)
