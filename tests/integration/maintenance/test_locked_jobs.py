"""What handles many jobs together passes over those that another session has locked, until its next pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable, LockTimeout
from core.policies import Overlap
from core.principals import LOCAL
from core.rates import Rate
from core.schedules import DelayFromNow
from core.states import Hold, JobState, RunStatus
from models import database, locks
from models.hot import claims as hot_claims
from models.postgresql import TIME_OUTS
from models.tables import App, Run
from services.execution import held_runs, limit_changes
from services.jobs import pause_endings
from services.maintenance import rescues
from services.maintenance.rescues import Rescues
from services.restoring import declaring, releasing
from services.scheduling import overdue, overlap_queue, pauses
from tests.factories import (
    GivenSystem,
    claim,
    first_run,
    given_system,
    in_threads,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.limiting import create, held, put
from tests.integration.jobs.pausing_until import IN_A_MINUTE, pause_job
from tests.integration.locked_rows import locked, locked_until_waited_for
from tests.integration.scheduling.dispatcher import EVERY_MINUTE, next_minute

LATE_SECONDS = 300

Pass = Callable[[], object]
IsDone = Callable[[UUID], bool]
Scene = tuple[Sequence[UUID], Pass, IsDone]


@pytest.fixture
def system(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> GivenSystem:
    monkeypatch.setitem(TIME_OUTS, "lock_timeout", "200ms")
    return given_system()


def test_rescue_takes_back_the_runs_of_other_jobs_and_waits_no_lease_for_the_last(
    postgresql: str, system: GivenSystem
) -> None:
    found = Rescues(system)
    made = [first_run(system) for _ in range(3)]
    claim(system, 3)
    with locked(postgresql, "jobs", made[1].job_id):
        assert taken_back_within(found, system, system.settings.lease_seconds + 2) == 2
    assert taken_back_within(found, system, 1) == 1


def taken_back_within(found: Rescues, system: GivenSystem, seconds: float) -> int:
    taken = 0
    for _ in range(int(seconds)):
        system.clock.advance(1)
        taken += found.turn()
    return taken


def test_a_heartbeat_that_is_under_way_keeps_only_its_own_runs_from_being_taken_back(
    postgresql: str, system: GivenSystem
) -> None:
    made = [first_run(system) for _ in range(3)]
    claim(system, 3)
    system.clock.advance(system.settings.lease_seconds + 1)
    with locked(postgresql, "runs", made[1].id):
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


def left_by_a_release_that_was_broken_off(system: GivenSystem) -> Scene:
    made = [first_run(system) for _ in range(2)]
    declaring.declare(LOCAL, system)
    with database.transaction():
        App.update(restored_at=None).execute()
    return of_jobs(made), lambda: releasing.release_left_behind(system), lambda one: run_of(one).held_by is None


def of_jobs(runs: Sequence[Run]) -> list[UUID]:
    return [run.job_id for run in runs]


def run_of(job_id: UUID) -> Run:
    return runs_of(job_id)[0]


SCENES = [
    expired,
    past_its_deadline,
    late,
    waiting_for_its_turn,
    paused_until_now,
    held_by_one_limit,
    held_by_limits_of_their_own,
    left_by_a_release_that_was_broken_off,
]


@pytest.mark.parametrize("given", SCENES)
@pytest.mark.parametrize("which", [0, 1])
def test_a_pass_leaves_out_only_the_job_that_is_locked_until_the_next(
    postgresql: str, system: GivenSystem, given: Callable[[GivenSystem], Scene], which: int
) -> None:
    made, one_pass, is_done = given(system)
    with locked(postgresql, "jobs", made[which]):
        one_pass()
        assert [is_done(job_id) for job_id in made] == [which != 0, which != 1]
    system.clock.advance(1)
    one_pass()
    assert all(map(is_done, made))


@pytest.mark.parametrize("given", SCENES)
def test_a_job_that_is_hardly_ever_free_has_its_place_in_the_line_for_its_lock(
    postgresql: str, system: GivenSystem, given: Callable[[GivenSystem], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_BRIEFLY", "SET LOCAL lock_timeout = '55s'")
    made, one_pass, is_done = given(system)
    with locked_until_waited_for(postgresql, "jobs", made[0]):
        one_pass()
    assert all(map(is_done, made))


@pytest.mark.parametrize("given", [expired, past_its_deadline, late])
@pytest.mark.parametrize("which", [0, 1])
def test_a_job_that_is_locked_and_fills_a_batch_keeps_out_no_other(
    postgresql: str,
    system: GivenSystem,
    given: Callable[[GivenSystem], Scene],
    which: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rescues, "BATCH", 1)
    monkeypatch.setattr(overdue, "BATCH", 1)
    made, one_pass, is_done = given(system)
    with locked(postgresql, "jobs", made[which]):
        one_pass()
        one_pass()
        assert [is_done(job_id) for job_id in made] == [which != 0, which != 1]


@pytest.mark.parametrize("table", ["jobs", "runs"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_pause_holds_all_runs_that_are_free_before_it_waits_for_the_last(
    postgresql: str, system: GivenSystem, table: str, which: int
) -> None:
    made = [first_run(system) for _ in range(2)]
    with locked(postgresql, table, made[which].job_id if table == "jobs" else made[which].id):
        pauses.pause_app(LOCAL, system, "app_a")
        assert [stored_run(run.id).held_by for run in made] == [
            None if number == which else Hold.PAUSED for number in (0, 1)
        ]
        with suppress(DatabaseUnavailable):
            pauses.settle_left_behind(system)
    assert pauses.settle_left_behind(system) == 1
    assert [stored_run(run.id).held_by for run in made] == [Hold.PAUSED] * 2
    assert pauses.settle_left_behind(system) == 0


def test_a_key_that_a_claim_has_locked_is_waited_for_once_the_others_are_done(
    system: GivenSystem,
) -> None:
    keys = [f"account:app_a/acc{number}" for number in (1, 2)]
    for key in keys:
        put(system, key, rate=Rate(1, 60))
    waiting = [create(system, 2, account_id=f"acc{number}") for number in (1, 2)]
    for work in claim(system):
        record(system, work, succeeded())
    system.clock.advance(61)
    with database.transaction():
        assert hot_claims.limited(keys[:1], [], None, system.clock.now())
        with pytest.raises(LockTimeout):
            in_threads(1, lambda _: held_runs.release_due_keys(system))
    assert [held_by for of_account in waiting for held_by, _ in held(of_account)] == [Hold.RATE_LIMIT, None]
    system.clock.advance(1)
    assert held_runs.release_due_keys(system) == 1
