"""A job that another process has locked, for example one that was stopped meanwhile, keeps no other waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable, LockTimeout
from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow
from core.states import Hold, JobState, RunStatus
from models import database, jobs, postgresql
from models.tables import Run
from services.execution import held_runs, limit_changes
from services.jobs import pause_endings
from services.maintenance import rescues
from services.maintenance.dispatch_loop import DispatchLoop
from services.maintenance.rescues import Rescues
from services.messaging.doorbell import Ring
from services.scheduling import dispatching, overdue, overlap_queue, pauses
from tests.factories import (
    GivenSystem,
    claim,
    first_run,
    given_system,
    in_threads,
    runs_of,
    stored_job,
    stored_run,
)
from tests.integration.execution.limiting import create, put
from tests.integration.jobs.pausing_until import IN_A_MINUTE, pause_job
from tests.integration.locked_rows import locked
from tests.integration.scheduling.dispatcher import EVERY_MINUTE, dispatch, next_minute

LATE_SECONDS = 300

Pass = Callable[[], object]
IsDone = Callable[[UUID], bool]
Scene = tuple[Sequence[UUID], Pass, IsDone]


@pytest.fixture
def url(postgresql: str) -> str:
    return postgresql


@pytest.fixture
def system(url: str, monkeypatch: pytest.MonkeyPatch) -> GivenSystem:
    monkeypatch.setitem(postgresql.TIME_OUTS, "lock_timeout", "200ms")
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
    url: str, system: GivenSystem, loop: DispatchLoop
) -> None:
    first, second, third = made = due_in_a_minute(system, 3)
    with locked(url, "jobs", second.job_id) as let_go:
        loop.turn()
        assert queued(made) == [True, False, True]
        assert {ring.run_id for ring in system.doorbell.heard()} == {first.id, third.id}
        let_go()
        loop.turn()
    assert queued([second]) == [True]
    assert system.doorbell.heard() == [Ring(second.id, "runs.http")]


def test_runs_of_locked_jobs_that_fill_a_look_do_not_keep_out_the_others(
    url: str, system: GivenSystem, loop: DispatchLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "BATCH", 2)
    made = [first_run(system, DelayFromNow(seconds)) for seconds in (57, 58, 59)]
    system.clock.advance(60)
    with locked(url, "jobs", made[0].job_id, made[1].job_id) as let_go:
        assert loop.turn() == 0.0, "it looks again at once"
        assert loop.turn() > 0.0
        assert queued(made) == [False, False, True]
        let_go()
        loop.turn()
    assert queued(made) == [True] * 3


def test_while_every_look_is_full_a_job_is_left_out_for_a_second_at_most(
    url: str, system: GivenSystem, loop: DispatchLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "BATCH", 1)
    made = [first_run(system, DelayFromNow(seconds)) for seconds in (50, 51, 52, 53)]
    system.clock.advance(60)
    with locked(url, "jobs", made[0].job_id):
        loop.turn()
    loop.turn()
    assert queued(made) == [False, True, False, False]
    system.clock.advance(1)
    loop.turn()
    loop.turn()
    assert queued(made) == [True, True, True, False]


def test_a_run_that_a_claim_has_locked_keeps_only_its_own_job_waiting(
    url: str, system: GivenSystem, loop: DispatchLoop
) -> None:
    """A newer occurrence would replace that run, for which it needs the run's lock; nothing says so before."""
    job_id = first_run(system, EVERY_MINUTE, overlap=Overlap.CANCEL_PREVIOUS).job_id
    next_minute(system)
    others = [first_run(system, DelayFromNow(60)) for _ in range(3)]
    replaced = runs_of(job_id)[0]
    system.clock.advance(60)
    with locked(url, "runs", replaced.id):
        loop.turn()
        assert queued(others) == [True] * 3
        assert stored_run(replaced.id).status is RunStatus.QUEUED
    loop.turn()
    assert stored_run(replaced.id).status is RunStatus.CANCELLED


def test_an_occurrence_is_not_skipped_because_the_pause_that_is_over_could_not_be_ended_yet(
    url: str, system: GivenSystem, loop: DispatchLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = first_run(system, Cron("* * * * *"))
    pause_job(system, run.job_id, until=IN_A_MINUTE)
    system.clock.advance(60)
    make_free_due = dispatching.make_free_due
    with locked(url, "jobs", run.job_id) as let_go, monkeypatch.context() as patch:

        def just_freed(*given: Any) -> Any:
            let_go()
            return make_free_due(*given)

        patch.setattr(dispatching, "make_free_due", just_freed)
        loop.turn()
        assert stored_run(run.id).status is RunStatus.PENDING
        loop.turn()
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_a_single_run_that_is_rung_for_waits_for_its_job(url: str, system: GivenSystem) -> None:
    [run] = due_in_a_minute(system, 1)
    with locked(url, "jobs", run.job_id), pytest.raises(LockTimeout):
        dispatching.arrive(system, run.id, run.due_at)
    assert dispatching.arrive(system, run.id, run.due_at) == 0.0
    assert queued([run]) == [True]


def test_rescue_takes_back_the_runs_of_other_jobs_and_waits_no_lease_for_the_last(
    url: str, system: GivenSystem
) -> None:
    found = Rescues(system)
    made = [first_run(system) for _ in range(3)]
    claim(system, 3)
    with locked(url, "jobs", made[1].job_id):
        assert taken_back_within(found, system, system.settings.lease_seconds + 2) == 2
    assert taken_back_within(found, system, 1) == 1


def taken_back_within(found: Rescues, system: GivenSystem, seconds: float) -> int:
    taken = 0
    for _ in range(int(seconds)):
        system.clock.advance(1)
        taken += found.turn()
    return taken


def test_a_heartbeat_that_is_under_way_keeps_only_its_own_runs_from_being_taken_back(
    url: str, system: GivenSystem
) -> None:
    made = [first_run(system) for _ in range(3)]
    claim(system, 3)
    system.clock.advance(system.settings.lease_seconds + 1)
    with locked(url, "runs", made[1].id):
        assert rescues.rescue(system) == 2
    assert rescues.rescue(system) == 1


def expired(system: GivenSystem) -> Scene:
    made = [first_run(system) for _ in range(2)]
    claim(system, 2)
    system.clock.advance(system.settings.lease_seconds + 1)
    return of_jobs(made), lambda: rescues.rescue(system), lambda one: run_of(one).status is RunStatus.RETRYING


def past_its_deadline(system: GivenSystem) -> Scene:
    made = [first_run(system, deadline_seconds=1.0) for _ in range(2)]
    system.clock.advance(2)
    return (
        of_jobs(made),
        lambda: overdue.watch_deadlines(system),
        lambda one: bool(run_of(one).deadline_missed_at),
    )


def late(system: GivenSystem) -> Scene:
    made = [first_run(system) for _ in range(2)]
    system.clock.advance(LATE_SECONDS + 1)
    return of_jobs(made), lambda: overdue.watch_late(system), lambda one: run_of(one).late_at is not None


def waiting_for_its_turn(system: GivenSystem) -> Scene:
    made = [first_run(system, EVERY_MINUTE, overlap=Overlap.CANCEL_PREVIOUS) for _ in range(2)]
    next_minute(system)
    claim(system, 2)
    next_minute(system)
    system.clock.advance(system.settings.lease_seconds + 1)
    assert rescues.rescue(system) == 2
    return of_jobs(made), lambda: overlap_queue.give_all(system), lambda one: runs_of(one)[1].held_by is None


def paused_until_now(system: GivenSystem) -> Scene:
    made = [first_run(system, DelayFromNow(3600)) for _ in range(2)]
    for run in made:
        pause_job(system, run.job_id, until=IN_A_MINUTE)
    system.clock.advance(60)
    return of_jobs(made), lambda: pause_endings.end_all(system), lambda one: stored_job(one).state is JobState.ACTIVE


def held_by_one_limit(system: GivenSystem) -> Scene:
    return _held(system, "app:app_a")


def held_by_limits_of_their_own(system: GivenSystem) -> Scene:
    return _held(system, "account:app_a/acc1", "account:app_a/acc2")


def _held(system: GivenSystem, *keys: str) -> Scene:
    for key in keys:
        put(system, key, 1)
    create(system, 1, account_id="acc1")
    create(system, 1, account_id="acc2")
    claim(system, 2)
    made = [*create(system, 1, account_id="acc1"), *create(system, 1, account_id="acc2")]
    claim(system, 2)
    assert {run_of(job_id).held_by for job_id in made} == {Hold.CONCURRENCY}
    for key in keys:
        limit_changes.delete(LOCAL, system, key)
    system.clock.advance(1)
    return made, lambda: held_runs.release_due_keys(system), lambda one: run_of(one).held_by is None


def of_jobs(runs: Sequence[Run]) -> list[UUID]:
    return [run.job_id for run in runs]


def run_of(job_id: UUID) -> Run:
    return runs_of(job_id)[0]


@pytest.mark.parametrize(
    "given",
    [
        expired,
        past_its_deadline,
        late,
        waiting_for_its_turn,
        paused_until_now,
        held_by_one_limit,
        held_by_limits_of_their_own,
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_pass_leaves_out_only_the_job_that_is_locked_until_the_next(
    url: str, system: GivenSystem, given: Callable[[GivenSystem], Scene], which: int
) -> None:
    made, one_pass, is_done = given(system)
    with locked(url, "jobs", made[which]):
        one_pass()
        assert [is_done(job_id) for job_id in made] == [which != 0, which != 1]
    system.clock.advance(1)
    one_pass()
    assert all(map(is_done, made))


@pytest.mark.parametrize("table", ["jobs", "runs"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_pause_holds_all_runs_that_are_free_before_it_waits_for_the_last(
    url: str, system: GivenSystem, table: str, which: int
) -> None:
    made = [first_run(system) for _ in range(2)]
    with locked(url, table, made[which].job_id if table == "jobs" else made[which].id):
        pauses.pause_app(LOCAL, system, "app_a")
        assert [stored_run(run.id).held_by for run in made] == [
            None if number == which else Hold.PAUSED for number in (0, 1)
        ]
        with suppress(DatabaseUnavailable):
            pauses.settle_left_behind(system)
    assert pauses.settle_left_behind(system) == 1
    assert [stored_run(run.id).held_by for run in made] == [Hold.PAUSED] * 2
    assert pauses.settle_left_behind(system) == 0


def test_two_who_dispatch_the_same_runs_make_each_due_once(url: str, system: GivenSystem) -> None:
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
