"""Deadlines: recorded when they pass, and a run that expires is dropped rather than run late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import InvalidInput
from core.principals import LOCAL
from core.schedules import DelayFromNow, Immediate, Interval, Polling
from core.states import JobState, RunStatus
from services.jobs import creating, definition, editing
from services.scheduling import dispatching, overdue
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    new_job,
    polled,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.scheduling.refusing import refuse

IN_A_MINUTE = NOON + timedelta(seconds=60)


def test_a_deadline_that_passes_is_recorded_once_and_the_run_still_runs(system: GivenSystem) -> None:
    run = first_run(system, deadline_at=IN_A_MINUTE)
    system.clock.advance(60)
    assert overdue.watch_deadlines(system) == 0
    passed_at = system.clock.advance(1)
    assert (overdue.watch_deadlines(system), overdue.watch_deadlines(system)) == (1, 0)
    assert stored_run(run.id).deadline_missed_at == passed_at
    system.clock.advance(5)
    record(system, claim_one(system), succeeded())
    ended = stored_run(run.id)
    assert (ended.status, ended.deadline_missed_at) == (RunStatus.COMPLETED, passed_at)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_run_whose_missed_deadline_cannot_be_stored_keeps_no_other_from_it(system: GivenSystem) -> None:
    refused, other = [first_run(system, deadline_at=IN_A_MINUTE) for _ in range(2)]
    refuse("UPDATE OF deadline_missed_at ON runs", refused.id)
    passed_at = system.clock.advance(61)
    assert overdue.watch_deadlines(system) == 1
    assert [stored_run(run.id).deadline_missed_at for run in (refused, other)] == [None, passed_at]


def test_a_run_that_an_edit_moves_has_its_new_deadline_looked_at_anew(system: GivenSystem) -> None:
    run = first_run(system, Immediate(), deadline_seconds=60.0)
    system.clock.advance(61)
    assert overdue.watch_deadlines(system) == 1
    wanted = replace(definition.of(stored_job(run.job_id), ()), schedule=DelayFromNow(3600))
    editing.edit(LOCAL, system, run.job_id, lambda _: wanted)
    assert stored_run(run.id).deadline_missed_at is None
    system.clock.advance(3661)
    assert overdue.watch_deadlines(system) == 1


def test_a_run_that_ends_too_late_says_so_though_nobody_looked(system: GivenSystem) -> None:
    run = first_run(system, deadline_at=IN_A_MINUTE)
    work = claim_one(system)
    system.clock.advance(61)
    record(system, work, succeeded())
    assert stored_run(run.id).deadline_missed_at == system.clock.now()


@pytest.mark.parametrize("seconds", [30, 60])
def test_a_run_that_ends_in_time_missed_nothing(system: GivenSystem, seconds: float) -> None:
    run = first_run(system, deadline_at=IN_A_MINUTE)
    work = claim_one(system)
    system.clock.advance(seconds)
    record(system, work, succeeded())
    assert stored_run(run.id).deadline_missed_at is None


def test_one_that_expires_is_not_claimed_after_its_deadline_even_before_anybody_looked(system: GivenSystem) -> None:
    run = first_run(system, deadline_at=IN_A_MINUTE, expire=True)
    system.clock.advance(60)
    [work] = claim(system)
    assert work.run_id == run.id
    first_run(system, deadline_at=IN_A_MINUTE + timedelta(seconds=1), expire=True)
    system.clock.advance(2)
    assert claim(system) == []


def test_one_that_expires_is_dropped_and_its_job_fails_saying_so(system: GivenSystem) -> None:
    run = first_run(system, deadline_at=IN_A_MINUTE, expire=True)
    system.clock.advance(61)
    overdue.watch_deadlines(system)
    dropped, job = stored_run(run.id), stored_job(run.job_id)
    assert (dropped.status, dropped.reason) == (RunStatus.MISSED, "deadline")
    assert (job.state, job.end_reason) == (JobState.FAILED, "its deadline passed before it was run")


def test_one_that_was_tried_and_expires_has_failed(system: GivenSystem) -> None:
    run = first_run(system, deadline_at=IN_A_MINUTE, expire=True)
    record(system, claim_one(system), failed(retry_after_seconds=300))
    system.clock.advance(61)
    overdue.watch_deadlines(system)
    assert (stored_run(run.id).status, stored_run(run.id).reason) == (RunStatus.FAILED, "deadline")
    system.clock.advance(600)
    assert dispatching.make_due(system, [run.id]) == 0


def test_one_that_expires_while_it_runs_may_finish(system: GivenSystem) -> None:
    run = first_run(system, deadline_at=IN_A_MINUTE, expire=True)
    work = claim_one(system)
    system.clock.advance(61)
    overdue.watch_deadlines(system)
    assert stored_run(run.id).status is RunStatus.RUNNING
    record(system, work, succeeded())
    assert stored_run(run.id).status is RunStatus.COMPLETED


def test_deadline_seconds_count_from_when_each_run_is_due(system: GivenSystem) -> None:
    job_id = first_run(system, Interval(every_seconds=60), deadline_seconds=20).job_id
    assert [run.deadline_at - run.due_at for run in runs_of(job_id)] == [timedelta(seconds=20)] * 3


def test_a_job_that_comes_back_goes_on_after_one_run_expired(system: GivenSystem) -> None:
    job_id = first_run(system, Interval(every_seconds=60), deadline_seconds=20, expire=True).job_id
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    system.clock.advance(30)
    overdue.watch_deadlines(system)
    system.clock.advance(30)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    assert [run.status for run in runs_of(job_id)][:2] == [RunStatus.MISSED, RunStatus.QUEUED]
    assert (stored_job(job_id).state, stored_job(job_id).end_reason) == (JobState.ACTIVE, None)


def test_a_poll_that_expires_fails_its_job(system: GivenSystem) -> None:
    job_id = first_run(system, Polling(30), deadline_seconds=20, expire=True).job_id
    record(system, claim_one(system), polled({}))
    poll = runs_of(job_id)[1]
    assert poll.deadline_at == poll.due_at + timedelta(seconds=20)
    system.clock.advance(51)
    overdue.watch_deadlines(system)
    assert stored_job(job_id).state is JobState.FAILED


def test_of_two_equally_urgent_the_one_with_the_earlier_deadline_is_first(system: GivenSystem) -> None:
    relaxed = first_run(system)
    later = first_run(system, deadline_at=IN_A_MINUTE + timedelta(hours=1))
    earlier = first_run(system, deadline_at=IN_A_MINUTE)
    assert [claim_one(system).run_id for _ in range(3)] == [earlier.id, later.id, relaxed.id]


def test_a_deadline_that_has_passed_is_refused(system: GivenSystem) -> None:
    with pytest.raises(InvalidInput, match="deadline"):
        creating.create(LOCAL, system, new_job(DelayFromNow(60), deadline_at=NOON))
