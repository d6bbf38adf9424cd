"""Who ends pauses whose instant has come: dispatch and planning what they depend on, a loop of its own the rest."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core.schedules import Cron, DelayFromNow
from core.states import JobState, RunStatus
from services.jobs import pause_endings
from services.maintenance.dispatch_loop import DispatchLoop
from services.scheduling import pauses
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    first_run,
    runs_of,
    stored_job,
)
from tests.integration.jobs.pausing_until import (
    IN_A_MINUTE,
    LATER,
    PAUSES,
    pause_job,
)
from tests.statements import noted


def test_what_is_due_at_the_end_of_a_pause_runs_and_what_was_due_before_is_skipped(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *")).job_id
    pause_job(system, job_id, until=LATER)
    loop = DispatchLoop(system, threading.Event())
    for seconds in (60, 60):
        system.clock.advance(seconds)
        loop.turn()
    due = {run.scheduled_for: run.status for run in runs_of(job_id)}
    assert (due[IN_A_MINUTE], due[LATER]) == (RunStatus.SKIPPED, RunStatus.QUEUED)


@pytest.mark.parametrize("kind", PAUSES)
def test_dispatch_leaves_it_to_another_loop_to_release_what_was_held(system: GivenSystem, kind: str) -> None:
    held = first_run(system, app_name="app_a")
    job_id = first_run(system, Cron("* * * * *"), app_name="app_a").job_id
    for one in (held.job_id, job_id) if kind == "job" else (job_id,):
        PAUSES[kind](system, one, until=IN_A_MINUTE)
    system.clock.advance(60)
    DispatchLoop(system, threading.Event()).turn()
    assert [work.job_id for work in claim(system, 9)] == [job_id]
    pause_endings.end_all(system)
    pauses.settle_left_behind(system)
    assert [work.run_id for work in claim(system, 9)] == [held.id]


def test_dispatch_ends_no_pause_that_its_runs_do_not_depend_on(system: GivenSystem) -> None:
    others = [first_run(system, app_name="app_b").job_id for _ in range(3)]
    due = first_run(system, DelayFromNow(60)).job_id
    for one in (*others, due):
        pause_job(system, one, until=IN_A_MINUTE)
    system.clock.advance(60)
    DispatchLoop(system, threading.Event()).turn()
    assert [stored_job(one).state for one in (*others, due)] == [JobState.PAUSED] * 3 + [JobState.ACTIVE]
    pause_endings.end_all(system)
    assert {stored_job(one).state for one in others} == {JobState.ACTIVE}


def test_before_planning_one_batch_of_pauses_is_ended(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause_endings, "BATCH", 2)
    paused = [first_run(system).job_id for _ in range(3)]
    for one in paused:
        pause_job(system, one, until=IN_A_MINUTE)
    system.clock.advance(60)
    pause_endings.end_some(system)
    assert sorted(stored_job(one).state for one in paused) == [JobState.ACTIVE, JobState.ACTIVE, JobState.PAUSED]


def test_many_pauses_that_end_together_take_no_statements_for_each(system: GivenSystem) -> None:
    counts = []
    for number in (1, 5):
        for _ in range(number):
            pause_job(system, first_run(system).job_id, until=system.clock.now() + timedelta(minutes=1))
        system.clock.advance(60)
        with noted() as sent:
            pause_endings.end_all(system)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_a_fault_in_ending_pauses_keeps_no_other_run_from_its_instant(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = first_run(system, DelayFromNow(60))

    def fail(*_: object) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(pause_endings, "_due_for_runs", fail)
    system.clock.advance(60)
    DispatchLoop(system, threading.Event()).turn()
    assert claim_one(system).run_id == run.id
