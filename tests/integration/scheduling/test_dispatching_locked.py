"""A job that another session has locked, as that of a process that was stopped, keeps no other run from its instant."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from core.errors import DatabaseUnavailable, LockTimeout
from core.policies import Overlap
from core.schedules import Cron, DelayFromNow
from core.states import RunStatus
from models import database, jobs
from models.pauses import Gate
from models.postgresql import TIME_OUTS
from models.tables import Run
from services.maintenance.dispatch_loop import DispatchLoop
from services.maintenance.locked_jobs import LOCKED_SECONDS
from services.messaging.doorbell import Ring
from services.scheduling import dispatching
from tests.factories import (
    GivenSystem,
    first_run,
    given_system,
    in_threads,
    runs_of,
    stored_run,
)
from tests.integration.jobs.pausing_until import IN_A_MINUTE, pause_job
from tests.integration.locked_rows import locked
from tests.integration.scheduling.dispatcher import EVERY_MINUTE, dispatch, next_minute


@pytest.fixture
def system(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> GivenSystem:
    monkeypatch.setitem(TIME_OUTS, "lock_timeout", "200ms")
    return given_system()


@pytest.fixture
def loop(system: GivenSystem) -> DispatchLoop:
    return DispatchLoop(system, threading.Event())


def due_in_a_minute(system: GivenSystem, count: int) -> list[Run]:
    made = [first_run(system, DelayFromNow(60)) for _ in range(count)]
    system.clock.advance(60)
    return made


def queued(runs: Sequence[Run]) -> list[bool]:
    return [stored_run(run.id).status is RunStatus.QUEUED for run in runs]


def test_runs_of_other_jobs_become_due_meanwhile_and_its_own_once_it_is_free(
    postgresql: str, system: GivenSystem, loop: DispatchLoop
) -> None:
    first, second, third = made = due_in_a_minute(system, 3)
    with locked(postgresql, "jobs", second.job_id) as let_go:
        loop.turn()
        assert queued(made) == [True, False, True]
        assert {ring.run_id for ring in system.doorbell.heard()} == {first.id, third.id}
        let_go()
        loop.turn()
    assert queued([second]) == [True]
    assert system.doorbell.heard() == [Ring(second.id, "runs.http")]


def test_runs_of_locked_jobs_that_fill_a_look_do_not_keep_out_the_others(
    postgresql: str, system: GivenSystem, loop: DispatchLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "BATCH", 2)
    made = [first_run(system, DelayFromNow(seconds)) for seconds in (57, 58, 59)]
    system.clock.advance(60)
    with locked(postgresql, "jobs", made[0].job_id, made[1].job_id) as let_go:
        assert loop.turn() == 0.0, "it looks again at once"
        assert loop.turn() > 0.0
        assert queued(made) == [False, False, True]
        let_go()
        loop.turn()
    assert queued(made) == [True] * 3


def test_while_every_look_is_full_a_job_is_left_out_for_a_second_at_most(
    postgresql: str, system: GivenSystem, loop: DispatchLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "BATCH", 1)
    made = [first_run(system, DelayFromNow(seconds)) for seconds in (50, 51, 52, 53)]
    system.clock.advance(60)
    with locked(postgresql, "jobs", made[0].job_id):
        loop.turn()
    loop.turn()
    assert queued(made) == [False, True, False, False]
    system.clock.advance(1)
    loop.turn()
    loop.turn()
    assert queued(made) == [True, True, True, False]


def test_a_run_that_a_claim_has_locked_keeps_only_its_own_job_waiting(
    postgresql: str, system: GivenSystem, loop: DispatchLoop
) -> None:
    """A newer occurrence would replace that run, for which it needs the run's lock; nothing says so before."""
    job_id = first_run(system, EVERY_MINUTE, overlap=Overlap.CANCEL_PREVIOUS).job_id
    next_minute(system)
    others = [first_run(system, DelayFromNow(60)) for _ in range(3)]
    replaced = runs_of(job_id)[0]
    system.clock.advance(60)
    with locked(postgresql, "runs", replaced.id):
        loop.turn()
        assert queued(others) == [True] * 3
        assert stored_run(replaced.id).status is RunStatus.QUEUED
    loop.turn()
    assert stored_run(replaced.id).status is RunStatus.CANCELLED


def test_an_occurrence_is_not_skipped_because_the_pause_that_is_over_could_not_be_ended_yet(
    postgresql: str, system: GivenSystem, loop: DispatchLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = first_run(system, Cron("* * * * *"))
    pause_job(system, run.job_id, until=IN_A_MINUTE)
    system.clock.advance(60)
    make_free_due = dispatching.make_free_due
    with locked(postgresql, "jobs", run.job_id) as let_go, monkeypatch.context() as patch:

        def just_freed(*given: Any) -> Any:
            let_go()
            return make_free_due(*given)

        patch.setattr(dispatching, "make_free_due", just_freed)
        loop.turn()
        assert stored_run(run.id).status is RunStatus.PENDING
        loop.turn()
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_a_single_run_that_is_rung_for_waits_for_its_job(postgresql: str, system: GivenSystem) -> None:
    [run] = due_in_a_minute(system, 1)
    with locked(postgresql, "jobs", run.job_id), pytest.raises(LockTimeout):
        dispatching.arrive(system, run.id, run.due_at)
    assert dispatching.arrive(system, run.id, run.due_at) == 0.0
    assert queued([run]) == [True]


def test_two_who_dispatch_the_same_runs_make_each_due_once(postgresql: str, system: GivenSystem) -> None:
    """What one is about to make due, the other passes over."""
    made = due_in_a_minute(system, 2)
    ids = [run.id for run in made]
    with database.transaction():
        jobs.lock([made[0].job_id])
        [elsewhere] = in_threads(1, lambda _: dispatching.make_free_due(system, ids))
        assert (elsewhere.count, list(elsewhere.passed_over)) == (1, [made[0].job_id])
    done = dispatching.make_free_due(system, ids)
    assert (done.count, done.passed_over) == (1, {})
    assert dispatch(system) == 0


def test_a_job_that_stays_locked_is_a_trouble_until_its_run_is_due(
    postgresql: str, system: GivenSystem, loop: DispatchLoop
) -> None:
    [run] = due_in_a_minute(system, 1)
    with locked(postgresql, "jobs", run.job_id):
        for troubles in (0, 0, 1):
            loop.turn()
            assert len(loop.troubles()) == troubles
            system.clock.advance(LOCKED_SECONDS / 2 + 1)
    loop.turn()
    assert (queued([run]), loop.troubles()) == ([True], [])


def test_another_job_that_is_locked_at_every_look_is_no_trouble(
    postgresql: str, system: GivenSystem, loop: DispatchLoop
) -> None:
    for run in due_in_a_minute(system, 4):
        with locked(postgresql, "jobs", run.job_id):
            loop.turn()
        assert loop.troubles() == []
        loop.turn()
        system.clock.advance(LOCKED_SECONDS)


def test_a_gate_that_is_closed_is_no_fault_of_any_run(postgresql: str, system: GivenSystem, loop: DispatchLoop) -> None:
    due_in_a_minute(system, 2)
    with closing(psycopg2.connect(postgresql)) as session, session.cursor() as cursor:
        cursor.execute(Gate.CLOSED.value)
        with pytest.raises(DatabaseUnavailable) as told:
            loop.turn()
    assert not isinstance(told.value, LockTimeout)
