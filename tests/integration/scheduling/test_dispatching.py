"""Dispatch: a run becomes due at its instant, once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, RunAt, Schedule
from core.states import Hold, RunStatus
from models import jobs as job_queries
from services.execution import rescue
from services.jobs import creating, lifecycle
from services.messaging.doorbell import Ring
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    first_run,
    given_system,
    in_threads,
    new_job,
    record,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.scheduling.dispatcher import EVERY_MINUTE, dispatch

TICK_SECONDS = 0.000_001


@pytest.mark.parametrize("schedule", [DelayFromNow(60), RunAt(NOON + timedelta(minutes=1)), EVERY_MINUTE])
def test_a_run_becomes_due_exactly_at_its_instant(system: GivenSystem, schedule: Schedule) -> None:
    run = first_run(system, schedule)
    system.clock.advance(60 - TICK_SECONDS)
    assert dispatch(system) == 0
    assert stored_run(run.id).status is RunStatus.PENDING
    system.clock.advance(TICK_SECONDS)
    assert dispatch(system) == 1
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_the_dispatcher_looks_two_seconds_ahead_soonest_first(system: GivenSystem) -> None:
    made = {seconds: first_run(system, DelayFromNow(seconds)).id for seconds in (3, 1.5, 2.5, 2, 0.5)}
    assert dispatching.due_soon(system) == [
        (made[seconds], NOON + timedelta(seconds=seconds)) for seconds in (0.5, 1.5, 2)
    ]


def test_what_becomes_due_is_rung_for_once(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    assert system.doorbell.heard() == []
    system.clock.advance(60)
    dispatch(system)
    assert system.doorbell.heard() == [Ring(run.id, "runs.http")]
    dispatch(system)
    assert system.doorbell.heard() == []


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.CANCELLED])
def test_a_run_that_waits_for_nothing_is_left_alone(system: GivenSystem, status: RunStatus) -> None:
    run = first_run(system)
    if status is RunStatus.CANCELLED:
        lifecycle.cancel(LOCAL, system, run.job_id)
    else:
        work = claim_one(system)
        if status is RunStatus.COMPLETED:
            record(system, work, succeeded())
    assert dispatching.make_due(system, [run.id]) == 0
    assert stored_run(run.id).status is status


def test_a_run_that_does_not_exist_is_nothing_to_make_due(system: GivenSystem) -> None:
    assert dispatching.make_due(system, [NOWHERE]) == 0
    assert dispatching.make_due(system, []) == 0


NOWHERE = UUID(int=0)


@pytest.mark.parametrize("dispatchers", [2, 8])
def test_dispatchers_at_once_make_each_run_due_once(postgresql: str, dispatchers: int) -> None:
    system = given_system()
    made = {first_run(system, DelayFromNow(60)).id for _ in range(60)}
    system.clock.advance(60)
    assert sum(in_threads(dispatchers, lambda _: dispatch(system))) == len(made)
    rung = [ring.run_id for ring in system.doorbell.heard()]
    assert len(rung) == len(made)
    assert set(rung) == made


def test_dispatchers_at_once_count_each_start_once(postgresql: str) -> None:
    system = given_system()
    job_ids = [first_run(system, Cron("* * * * *", max_runs=5)).job_id for _ in range(10)]
    system.clock.advance(60)
    assert sum(in_threads(4, lambda _: dispatch(system))) == 10
    assert {stored_job(job_id).runs_started for job_id in job_ids} == {1}


def test_a_creation_due_at_once_or_soon_rings_for_itself_and_a_later_one_does_not(system: GivenSystem) -> None:
    at_once, soon = first_run(system), first_run(system, DelayFromNow(2))
    first_run(system, DelayFromNow(2.1))
    assert system.doorbell.heard() == [
        Ring(at_once.id, "runs.http"),
        Ring(soon.id, "runs.http", NOON + timedelta(seconds=2)),
    ]


def test_a_job_locked_by_a_slow_change_is_waited_for_and_then_judged_by_it(postgresql: str) -> None:
    """The pause commits while the dispatcher waits for the job: the run is held, not queued."""
    system = given_system()
    run = first_run(system, DelayFromNow(1))
    system.clock.advance(1)

    def race(number: int) -> int:
        if number == 0:
            lifecycle.pause(LOCAL, system, run.job_id)
            return 0
        return dispatch(system)

    in_threads(2, race)
    stored = stored_run(run.id)
    assert (stored.status, stored.held_by) == (RunStatus.QUEUED, Hold.PAUSED)
    assert claim(system) == []


def test_a_job_that_is_not_there_is_no_reason_to_stop(system: GivenSystem) -> None:
    assert job_queries.lock([]) == {}
    assert rescue.take_back(system, [NOWHERE], only_expired=True).count == 0
    creating.create(LOCAL, system, new_job())
    assert claim_one(system).attempt == 1
