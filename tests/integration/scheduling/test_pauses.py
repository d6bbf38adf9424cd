"""Pauses of a job, of a whole app and of everything: nothing starts, nothing is lost, and each pause is its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.errors import AbortReason, NotFound
from core.principals import LOCAL, Principal
from core.schedules import DelayFromNow, Interval, Polling
from core.states import Hold, JobState, JobStatus, RunStatus
from services.execution import claiming, workers
from services.execution.work import Stopped
from services.jobs import creating, definition, editing, lifecycle
from services.jobs.definition import Definition
from services.reading.pauses import installation_pause
from services.reading.views import JobView
from services.scheduling import dispatching, pauses
from services.system import System
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    new_job,
    polled,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.scheduling.switching import PAUSES, Switch

JOBS = 40


@pytest.fixture(params=PAUSES)
def switch(request: pytest.FixtureRequest) -> tuple[Switch, Switch]:
    return PAUSES[request.param]


def come(system: GivenSystem, seconds: float) -> None:
    system.clock.advance(seconds)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def test_what_is_due_is_held_and_goes_on_with_a_ring(system: GivenSystem, switch: tuple[Switch, Switch]) -> None:
    pause, resume = switch
    run = first_run(system)
    pause(system, run.job_id)
    assert (claim(system), stored_run(run.id).held_by) == ([], Hold.PAUSED)
    system.doorbell.heard()
    resume(system, run.job_id)
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id]
    assert claim_one(system).run_id == run.id


def test_a_job_that_begins_paused_waits_to_be_resumed(system: GivenSystem) -> None:
    run = first_run(system, paused=True)
    assert (claim(system), system.doorbell.heard()) == ([], [])
    lifecycle.resume(LOCAL, system, run.job_id)
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id]
    assert claim_one(system).run_id == run.id


def test_an_edit_may_pause_the_job_or_let_it_go_on(system: GivenSystem) -> None:
    run = first_run(system)

    def with_priority(view: JobView) -> Definition:
        return replace(definition.of(stored_job(view.id), view.tags), priority=9)

    paused = editing.edit(LOCAL, system, run.job_id, with_priority, active=False)
    assert (paused.priority, paused.status, claim(system)) == (9, JobStatus.PAUSED, [])
    system.doorbell.heard()
    editing.edit(LOCAL, system, run.job_id, with_priority, active=True)
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id]
    assert claim_one(system).run_id == run.id


def test_what_becomes_due_meanwhile_is_held_too(system: GivenSystem, switch: tuple[Switch, Switch]) -> None:
    pause, resume = switch
    run = first_run(system, DelayFromNow(60))
    pause(system, run.job_id)
    come(system, 60)
    assert (claim(system), stored_run(run.id).held_by) == ([], Hold.PAUSED)
    resume(system, run.job_id)
    assert claim_one(system).run_id == run.id


def test_an_occurrence_that_comes_meanwhile_is_skipped(system: GivenSystem, switch: tuple[Switch, Switch]) -> None:
    pause, resume = switch
    job_id = first_run(system, Interval(every_seconds=60)).job_id
    pause(system, job_id)
    come(system, 30)
    resume(system, job_id)
    come(system, 30)
    assert [(run.status, run.reason) for run in runs_of(job_id)][:2] == [
        (RunStatus.SKIPPED, "paused"),
        (RunStatus.QUEUED, None),
    ]


def test_a_retry_and_a_poll_that_come_meanwhile_are_held(system: GivenSystem, switch: tuple[Switch, Switch]) -> None:
    pause, resume = switch
    job_id = first_run(system, Polling(30)).job_id
    record(system, claim_one(system), polled({"page": 1}))
    pause(system, job_id)
    come(system, 30)
    assert claim(system) == []
    resume(system, job_id)
    record(system, claim_one(system), failed(retry_after_seconds=60))
    pause(system, job_id)
    come(system, 70)
    assert claim(system) == []
    resume(system, job_id)
    assert claim_one(system).attempt == 2


def test_a_run_handed_back_meanwhile_is_held(system: GivenSystem, switch: tuple[Switch, Switch]) -> None:
    pause, resume = switch
    run = first_run(system)
    work = claim_one(system)
    pause(system, run.job_id)
    record(system, work, Stopped(AbortReason.SHUTDOWN))
    assert (claim(system), stored_run(run.id).held_by) == ([], Hold.PAUSED)
    resume(system, run.job_id)
    assert claim_one(system).attempt == 2


def test_a_run_under_way_finishes(system: GivenSystem, switch: tuple[Switch, Switch]) -> None:
    pause, _ = switch
    run = first_run(system)
    work = claim_one(system)
    pause(system, run.job_id)
    record(system, work, succeeded())
    assert stored_job(run.job_id).state is JobState.COMPLETED


@pytest.mark.parametrize("kind", ["app", "everything"])
def test_a_job_created_meanwhile_is_held(system: GivenSystem, kind: str) -> None:
    pause, resume = PAUSES[kind]
    first = first_run(system)
    pause(system, first.job_id)
    system.doorbell.heard()
    run = first_run(system)
    assert (run.held_by, system.doorbell.heard()) == (Hold.PAUSED, [])
    resume(system, first.job_id)
    assert len(claim(system)) == 2


def test_each_pause_is_its_own(system: GivenSystem) -> None:
    """A run goes on when the last of the pauses that hold it has ended, in whatever order they end."""
    run = first_run(system)
    for pause, _ in PAUSES.values():
        pause(system, run.job_id)
    for _, resume in list(PAUSES.values())[:-1]:
        resume(system, run.job_id)
        assert claim(system) == []
    PAUSES["everything"][1](system, run.job_id)
    assert claim_one(system).run_id == run.id


def test_a_pause_of_an_app_leaves_other_apps_alone(system: GivenSystem) -> None:
    first_run(system)
    other = first_run(system, app_name="app_b")
    pauses.pause_app(LOCAL, system, "app_a")
    assert [work.run_id for work in claim(system)] == [other.id]


def test_pausing_twice_keeps_the_first_instant_and_resuming_ends_both(system: GivenSystem) -> None:
    first_run(system)
    since = system.clock.now()
    pauses.pause_everything(LOCAL, system)
    system.clock.advance(5)
    pauses.pause_everything(LOCAL, system)
    assert installation_pause.current(LOCAL).paused_at == since
    pauses.resume_everything(LOCAL, system)
    assert installation_pause.current(LOCAL).paused_at is None
    assert len(claim(system)) == 1


@pytest.mark.parametrize("change", [pauses.pause_app, pauses.resume_app])
def test_an_app_that_is_not_there_is_not_found(
    system: GivenSystem, change: Callable[[Principal, System, str], None]
) -> None:
    with pytest.raises(NotFound, match="app"):
        change(LOCAL, system, "nobody")


def test_nothing_is_claimed_once_a_pause_of_the_app_is_committed(postgresql: str) -> None:
    """Creates, dispatch and claims run on while the app is paused again and again: none slips through."""
    system = given_system()
    creating.create(LOCAL, system, new_job())
    worker = workers.register(system)

    def race(number: int) -> list[object]:
        if number == 0:
            return pause_and_look()
        for _ in range(JOBS):
            run = first_run(system, DelayFromNow(0))
            dispatching.make_due(system, [run.id])
            claiming.claim(system, worker, "runs.http", 1)
        return []

    def pause_and_look() -> list[object]:
        slipped: list[object] = []
        for _ in range(JOBS):
            pauses.pause_app(LOCAL, system, "app_a")
            slipped += claim(system, worker=worker)
            pauses.resume_app(LOCAL, system, "app_a")
        return slipped

    assert in_threads(4, race)[0] == []
