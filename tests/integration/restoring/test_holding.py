"""All is held in parts after a restore: nothing is claimed meanwhile, and who dies leaves the rest to the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.states import Hold
from models import database, installation, jobs, restores, set_based
from models.pauses import Gate
from models.tables import Installation
from services.execution import claiming, workers
from services.messaging import broker as brokers
from services.restoring import declaring, holding, releasing
from services.restoring.guard import Guard
from services.restoring.releasing import Slice
from tests.factories import GivenSystem, claim, first_run, given_system, in_threads, stored_run
from tests.integration.locked_rows import locked

FIVE = 5


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_based, "_CHUNK", 2)


class Killed(BaseException):
    """Ends a process here and now."""


@pytest.fixture
def broken_off(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Runs of which two are held: the process that declared the restore was killed in the second part."""
    runs = [first_run(system).id for _ in range(FIVE)]
    with monkeypatch.context() as killing:
        killing.setattr(restores, "hold", _killed_at_the_second(restores.hold))
        with pytest.raises(Killed):
            declaring.declare(LOCAL, system)
    assert _holds(runs).count(Hold.RESTORED) == 2
    return runs


def _killed_at_the_second(real: Callable[..., Any]) -> Callable[..., Any]:
    calls: list[Any] = []

    def act(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise Killed
        return real(*arguments)

    return act


def _holds(runs: list[UUID]) -> list[Hold | None]:
    return [stored_run(run_id).held_by for run_id in runs]


@pytest.mark.parametrize("is_limited", [False, True])
def test_nothing_is_claimed_between_the_parts(system: GivenSystem, broken_off: list[UUID], *, is_limited: bool) -> None:
    worker = workers.register(system)
    assert claiming.claim(system, worker, brokers.RUNS_HTTP, FIVE, is_limited=is_limited) == []


def test_a_process_that_starts_holds_the_rest_before_anything_else(system: GivenSystem, broken_off: list[UUID]) -> None:
    Guard(system).look()
    assert set(_holds(broken_off)) == {Hold.RESTORED}
    assert Installation.get().holding_since is None


def test_a_process_that_runs_holds_the_rest(system: GivenSystem, broken_off: list[UUID]) -> None:
    running = Guard(system)
    running.look()
    running.look()
    assert set(_holds(broken_off)) == {Hold.RESTORED}
    assert claim(system, 10) == []


def test_what_is_created_meanwhile_is_held_with_its_app_and_of_new_apps_starts_afterwards(
    system: GivenSystem, broken_off: list[UUID]
) -> None:
    of_held, of_new = first_run(system).id, first_run(system, app_name="app_b").id
    assert claim(system, 10) == []
    holding.go_on(system)
    assert _holds([*broken_off, of_held]) == [Hold.RESTORED] * (FIVE + 1)
    assert [work.run_id for work in claim(system, 10)] == [of_new]


def test_what_is_released_first_has_all_held_and_none_of_it_is_held_again(
    system: GivenSystem, broken_off: list[UUID]
) -> None:
    with database.reading():
        stale = restores.to_hold(FIVE)  # as another process found them that holds, too
    assert releasing.release(LOCAL, system, Slice(most=FIVE - 1)) == FIVE - 1
    holding._hold(system, stale)
    assert sorted(_holds(broken_off), key=str) == [None] * (FIVE - 1) + [Hold.RESTORED]


def test_a_discard_that_is_broken_off_leaves_the_rest_held_until_it_is_asked_for_again(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [first_run(system).id for _ in range(FIVE)]
    declaring.declare(LOCAL, system)
    with monkeypatch.context() as killing:
        killing.setattr(restores, "lock_held", _killed_at_the_second(restores.lock_held))
        with pytest.raises(Killed):
            releasing.release(LOCAL, system, Slice(discard=True))
    releasing.release_left_behind(system)
    assert claim(system, 10) == []
    assert _holds(runs).count(Hold.RESTORED) == FIVE - 2
    assert releasing.release(LOCAL, system, Slice(discard=True)) == FIVE - 2
    assert declaring.view(LOCAL).restored_at is None
    assert claim(system, 10) == []


def test_several_processes_share_the_work(postgresql: str) -> None:
    system = given_system()
    runs = [first_run(system) for _ in range(FIVE)]
    with system.transaction(Gate.CLOSED) as unit:
        holding.begin(installation.lock(), None, unit.now)
    part = [(run.id, run.job_id) for run in runs]
    with system.transaction():
        jobs.lock([runs[0].job_id])  # as another process that holds its run now
        assert in_threads(1, lambda _: holding._hold(system, part)) == [FIVE - 1]
    assert _holds([run.id for run in runs]) == [None] + [Hold.RESTORED] * (FIVE - 1)
    assert [holding._hold(system, part, waits=True), holding._hold(system, part)] == [1, 0]


def test_what_a_broken_off_release_left_is_released_except_of_a_job_that_somebody_has_locked(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = given_system()
    runs = [first_run(system) for _ in range(FIVE)]
    declaring.declare(LOCAL, system)
    with monkeypatch.context() as killing:
        killing.setattr(restores, "lock_held", _killed_at_the_second(restores.lock_held))
        with pytest.raises(Killed):
            releasing.release(LOCAL, system, Slice())
    ids = [run.id for run in runs]
    left = [run for run in runs if stored_run(run.id).held_by is Hold.RESTORED]
    with locked(postgresql, "jobs", left[0].job_id):
        assert releasing.release_left_behind(system) == len(left) - 1
        assert _holds([left[0].id]) == [Hold.RESTORED]
    assert releasing.release_left_behind(system) == 1
    assert set(_holds(ids)) == {None}
