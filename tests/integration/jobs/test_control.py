"""Cancel, pause and resume, up to the instant of the claim."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from core.errors import AbortReason, Conflict, NotFound
from core.principals import LOCAL, Principal
from core.schedules import Cron, DelayFromNow, Polling
from core.states import Hold, JobState, JobStatus, RunStatus
from models import database
from models.tables import Run
from services.execution import workers
from services.execution.work import Result, Stopped
from services.jobs import lifecycle
from services.messaging.doorbell import Ring
from services.reading import records
from services.scheduling import dispatching
from services.system import System
from tests.factories import (
    NOON,
    GivenSystem,
    attempts_at,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.waiting import LONGEST

Change = Callable[[Principal, System, UUID], None]
CHANGES = [lifecycle.cancel, lifecycle.pause, lifecycle.resume]
RACES = 200
JOBS = 60


# --- Cancel ------------------------------------------------------------------------------------------------


def test_a_cancel_ends_a_run_that_waits_for_its_instant(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    system.clock.advance(5)
    lifecycle.cancel(LOCAL, system, run.job_id)
    stored, job = stored_run(run.id), stored_job(run.job_id)
    assert (stored.status, stored.reason, stored.finished_at) == (
        RunStatus.CANCELLED,
        "job cancelled",
        system.clock.now(),
    )
    assert (job.state, job.finished_at) == (JobState.CANCELLED, system.clock.now())
    assert records.job(LOCAL, run.job_id).status is JobStatus.CANCELLED


def test_a_cancel_ends_a_run_that_is_due(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    assert claim(system) == []
    assert stored_run(run.id).status is RunStatus.CANCELLED
    assert attempts_at(run.id) == []


def test_a_cancel_ends_a_run_that_is_held(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    lifecycle.cancel(LOCAL, system, run.job_id)
    stored = stored_run(run.id)
    assert (stored.status, stored.held_by) == (RunStatus.CANCELLED, None)


def test_a_cancel_ends_a_run_that_waits_to_be_tried_again(system: GivenSystem) -> None:
    run = first_run(system)
    record(system, claim_one(system), failed())
    lifecycle.cancel(LOCAL, system, run.job_id)
    system.clock.advance(600)
    assert dispatching.make_due(system, [run.id]) == 0
    assert stored_run(run.id).status is RunStatus.CANCELLED


def test_a_cancel_asks_a_run_that_is_running_to_stop(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    stored = stored_run(run.id)
    assert (stored.status, stored.cancel_requested_at) == (RunStatus.RUNNING, NOON)
    record(system, work, Stopped(AbortReason.CANCELLED))
    assert stored_run(run.id).status is RunStatus.CANCELLED


def test_a_cancel_ends_all_that_a_job_has_to_come_and_nothing_of_what_it_had(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *")).job_id
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    record(system, claim_one(system), succeeded())
    lifecycle.cancel(LOCAL, system, job_id)
    assert [run.status for run in runs_of(job_id)] == [RunStatus.COMPLETED, RunStatus.CANCELLED]


def test_a_cancel_leaves_other_jobs_alone(system: GivenSystem) -> None:
    run, other = first_run(system), first_run(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    assert [work.run_id for work in claim(system)] == [other.id]


def test_a_second_cancel_does_nothing(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    system.clock.advance(5)
    lifecycle.cancel(LOCAL, system, run.job_id)
    assert stored_job(run.job_id).finished_at == NOON


def test_a_cancelled_job_never_changes_its_state_again(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    system.clock.advance(5)
    record(system, work, refused(410))
    job = stored_job(run.job_id)
    assert (job.state, job.finished_at) == (JobState.CANCELLED, NOON)


# --- Pause and resume --------------------------------------------------------------------------------------


def test_a_pause_holds_what_is_due_and_a_resume_releases_and_rings(system: GivenSystem) -> None:
    run = first_run(system)
    system.doorbell.heard()
    lifecycle.pause(LOCAL, system, run.job_id)
    assert (stored_run(run.id).held_by, stored_job(run.job_id).state) == (Hold.PAUSED, JobState.PAUSED)
    assert records.job(LOCAL, run.job_id).status is JobStatus.PAUSED
    assert (claim(system), system.doorbell.heard()) == ([], [])
    lifecycle.resume(LOCAL, system, run.job_id)
    assert (stored_run(run.id).held_by, stored_job(run.job_id).state) == (None, JobState.ACTIVE)
    assert system.doorbell.heard() == [Ring(run.id, "runs.http")]
    assert claim_one(system).run_id == run.id


def test_pausing_or_resuming_twice_is_as_good_as_once(system: GivenSystem) -> None:
    run = first_run(system)
    for _ in range(2):
        lifecycle.pause(LOCAL, system, run.job_id)
    assert stored_run(run.id).held_by is Hold.PAUSED
    system.doorbell.heard()
    for _ in range(2):
        lifecycle.resume(LOCAL, system, run.job_id)
    assert len(system.doorbell.heard()) == 1
    assert len(claim(system)) == 1


def test_a_pause_lets_a_run_under_way_finish(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    assert stored_run(run.id).cancel_requested_at is None
    record(system, work, succeeded())
    assert stored_job(run.job_id).state is JobState.COMPLETED


def test_a_pause_leaves_other_jobs_alone(system: GivenSystem) -> None:
    run, other = first_run(system), first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    assert [work.run_id for work in claim(system)] == [other.id]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("result", [succeeded(), refused()])
def test_a_job_that_has_ended_cannot_be_changed(system: GivenSystem, change: Change, result: Result) -> None:
    run = first_run(system)
    record(system, claim_one(system), result)
    before = dict(stored_job(run.job_id).__data__)
    with pytest.raises(Conflict, match=str(run.job_id)):
        change(LOCAL, system, run.job_id)
    assert dict(stored_job(run.job_id).__data__) == before


@pytest.mark.parametrize("change", [lifecycle.pause, lifecycle.resume])
def test_a_job_that_was_cancelled_cannot_be_paused_or_resumed(system: GivenSystem, change: Change) -> None:
    run = first_run(system, Polling(30))
    lifecycle.cancel(LOCAL, system, run.job_id)
    with pytest.raises(Conflict, match="cancelled"):
        change(LOCAL, system, run.job_id)


@pytest.mark.parametrize("change", CHANGES)
def test_a_job_that_is_not_there_is_not_found(system: GivenSystem, change: Change) -> None:
    with pytest.raises(NotFound, match="job"):
        change(LOCAL, system, uuid4())


# --- Races with the claim ----------------------------------------------------------------------------------


def test_no_run_is_claimed_once_its_cancel_is_committed(postgresql: str) -> None:
    """Either the claim was first, and the running attempt is asked to stop; or the cancel, and nothing runs."""
    system = given_system()
    made = [first_run(system) for _ in range(JOBS)]
    worker = workers.register(system)
    committed: set[object] = set()
    too_late: list[object] = []
    order = random.Random(7).sample(made, len(made))
    done = threading.Event()

    def race(number: int) -> None:
        if number == 0:
            for run in order:
                lifecycle.cancel(LOCAL, system, run.job_id)
                committed.add(run.id)
            done.set()
            return
        while not done.is_set():
            before = set(committed)
            too_late.extend(work.run_id for work in claim(system, 1, worker) if work.run_id in before)

    in_threads(3, race)
    assert too_late == []
    assert claim(system, worker=worker) == []
    for run in made:
        stored, attempts = stored_run(run.id), attempts_at(run.id)
        if attempts:
            assert (stored.status, stored.cancel_requested_at) == (RunStatus.RUNNING, NOON)
        else:
            assert stored.status is RunStatus.CANCELLED


def test_a_claim_and_a_cancel_of_the_same_run_at_the_same_moment_have_one_winner(postgresql: str) -> None:
    system = given_system()
    worker = workers.register(system)
    made: list[Run] = []
    together = threading.Barrier(2, timeout=LONGEST)
    claimed: list[bool] = []

    def race(number: int) -> None:
        for lap in range(RACES):
            if number == 0:
                made.append(first_run(system))
            together.wait()
            if number == 0:
                lifecycle.cancel(LOCAL, system, made[lap].job_id)
            else:
                for _ in range(lap % 6):  # a later start each time, so that each side is first at times
                    database.clock_offset()
                claimed.append(bool(claim(system, 1, worker)))
            together.wait()

    in_threads(2, race)
    for run, has_claimed in zip(made, claimed, strict=True):
        stored = stored_run(run.id)
        assert stored.status is (RunStatus.RUNNING if has_claimed else RunStatus.CANCELLED)
        assert (stored.cancel_requested_at is not None) == has_claimed
    assert 0 < sum(claimed) < RACES, "both sides have to win at times, or this was no race"


def test_no_run_is_claimed_once_its_pause_is_committed(postgresql: str) -> None:
    system = given_system()
    made = [first_run(system) for _ in range(JOBS)]
    worker = workers.register(system)
    paused: set[object] = set()
    too_late: list[object] = []
    done = threading.Event()

    def race(number: int) -> None:
        if number == 0:
            for run in reversed(made):
                lifecycle.pause(LOCAL, system, run.job_id)
                paused.add(run.id)
            done.set()
            return
        while not done.is_set():
            before = set(paused)
            too_late.extend(work.run_id for work in claim(system, 1, worker) if work.run_id in before)

    in_threads(2, race)
    assert too_late == []
    assert claim(system, worker=worker) == []
    assert all(stored_run(run.id).held_by is Hold.PAUSED or attempts_at(run.id) for run in made)
