"""Hundreds of races of edit, cancel and pause against dispatch and claim: the database has one order for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

import pytest

from core.principals import LOCAL, Principal
from core.schedules import DelayFromNow
from core.states import Hold, RunStatus
from models import database
from models.tables import Run
from services.execution import workers
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.jobs import definition, editing, lifecycle
from services.jobs.definition import Definition
from services.reading.views import JobView
from services.scheduling import dispatching
from services.system import System
from tests.factories import GivenSystem, claim, create_jobs, given_system, in_threads, new_job, stored_job, stored_run
from tests.lengths import RACES
from tests.waiting import LONGEST

LOOKS = 1_000
OLD, NEW = {"n": 1}, {"n": 2}

Change = Callable[[Principal, System, UUID], object]
Span = tuple[float, float]
Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Race:
    """One run, what the claim got of it, and when the change and the claim began and ended."""

    run_id: UUID
    work: Work | None
    changed: Span
    claimed: Span

    @property
    def change_was_first(self) -> bool:
        return self.changed[1] < self.claimed[0]

    @property
    def claim_was_first(self) -> bool:
        return self.claimed[1] < self.changed[0]


@pytest.fixture
def racing(postgresql: str) -> GivenSystem:
    return given_system()


def edit(principal: Principal, system: System, job_id: UUID) -> None:
    def amend(view: JobView) -> Definition:
        return replace(definition.of(stored_job(job_id), view.tags), data=NEW)

    editing.edit(principal, system, job_id, amend)


def raced(system: GivenSystem, change: Change) -> list[Race]:
    """Race a change against dispatch and claim, for one run after the other."""
    made = due_in_a_minute(system)
    worker = workers.register(system)
    together = threading.Barrier(2, timeout=LONGEST)
    changed: list[Span] = []
    claimed: list[tuple[Work | None, Span]] = []

    def race(number: int) -> None:
        for lap, run in enumerate(made):
            together.wait()
            stagger(lap if number else lap // 4)
            if number == 0:
                changed.append(timed(partial(change, LOCAL, system, run.job_id))[1])
            else:
                claimed.append(timed(partial(dispatch_and_claim, system, run.id, worker)))

    in_threads(2, race)
    return [Race(run.id, work, one, other) for run, one, (work, other) in zip(made, changed, claimed, strict=True)]


def due_in_a_minute(system: GivenSystem) -> list[Run]:
    wanted = [new_job(DelayFromNow(60), data=OLD) for _ in range(RACES)]
    create_jobs(system, wanted, all_or_none=True)
    system.clock.advance(60)
    with database.reading():
        return list(Run.select().order_by(Run.id))


def stagger(steps: int) -> None:
    """Begin a little later each time, so that each side is first at times."""
    for _ in range(steps % 4):
        with database.reading():
            Run.select(Run.id).limit(1).execute()


def timed(work: Callable[[], Returned]) -> tuple[Returned, Span]:
    began = time.perf_counter()
    return work(), (began, time.perf_counter())


def dispatch_and_claim(system: GivenSystem, run_id: UUID, worker: WorkerIdentity) -> Work | None:
    """Claim as workers do: a run that a change holds at this moment is passed over, and asked for again."""
    dispatching.make_due(system, [run_id])
    for _ in range(LOOKS):
        if works := claim(system, 1, worker):
            return works[0]
        if stored_run(run_id).held_by is not None or stored_run(run_id).finished_at is not None:
            return None
    return None


def test_what_is_claimed_goes_by_the_edit_or_by_what_was_before_and_says_so(racing: GivenSystem) -> None:
    seen = []
    for race in raced(racing, edit):
        assert race.work is not None
        assert race.work.run_id == race.run_id
        version = stored_run(race.run_id).job_version
        assert race.work.data == (NEW if version == 2 else OLD), "the run carries the version it was claimed in"
        assert version == 2 or not race.change_was_first, "the edit was committed before the claim began"
        assert version == 1 or not race.claim_was_first
        seen.append(version)
    assert {1, 2} == set(seen), "both sides have to win at times, or this was no race"


@pytest.mark.parametrize("change", [lifecycle.cancel, lifecycle.pause], ids=["cancel", "pause"])
def test_nothing_is_claimed_once_it_is_cancelled_or_paused(racing: GivenSystem, change: Change) -> None:
    seen = []
    for race in raced(racing, change):
        run = stored_run(race.run_id)
        assert (run.status is RunStatus.RUNNING) == (race.work is not None)
        assert race.work is None or not race.change_was_first, "the change was committed before the claim began"
        assert race.work is not None or not race.claim_was_first
        if race.work is None:
            assert run.status is RunStatus.CANCELLED or run.held_by is Hold.PAUSED
        else:
            assert (run.cancel_requested_at is not None) == (change is lifecycle.cancel)
        seen.append(race.work is None)
    assert {True, False} == set(seen), "both sides have to win at times, or this was no race"
