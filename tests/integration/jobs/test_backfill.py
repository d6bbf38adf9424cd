"""Backfill: what a schedule names in a span that has passed runs now, in order, and once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from core.errors import Conflict, InvalidInput, NotFound
from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Cron, Immediate, Interval, Polling, Schedule
from core.states import Hold, JobStatus, RunStatus, Trigger
from models.tables import Run
from services.jobs import backfill, creating, lifecycle, requested_runs, run_actions
from services.jobs.backfill import Backfilled
from services.reading import records
from services.scheduling import dispatching, planning
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    first_run,
    new_job,
    record,
    refused,
    runs_of,
    succeeded,
)
from tests.integration.execution.attempting import attempt

HOUR = timedelta(hours=1)


def made(system: GivenSystem, schedule: Schedule, overlap: Overlap = Overlap.SKIP) -> UUID:
    return creating.create(LOCAL, system, new_job(schedule, overlap=overlap))


def backfilled(job_id: UUID) -> list[Run]:
    return [run for run in runs_of(job_id) if run.trigger == Trigger.BACKFILL]


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def executed(system: GivenSystem) -> list[datetime]:
    """What is run for which instant until nothing is claimable, one after the other."""
    done = []
    while works := claim(system):
        assert len(works) == 1, "one at a time"
        done.append(works[0].scheduled_for)
        record(system, works[0], succeeded())
    return done


def test_the_occurrences_of_a_span_run_now_in_their_order(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 * * * *"))
    outcome = backfill.backfill(LOCAL, system, job_id, NOON - 3 * HOUR, NOON)
    instants = [NOON - 3 * HOUR, NOON - 2 * HOUR, NOON - HOUR]
    assert outcome == Backfilled(3, 3, instants[0], instants[-1])
    assert [(run.scheduled_for, run.due_at, run.held_by) for run in backfilled(job_id)] == [
        (instants[0], NOON, None),
        (instants[1], NOON, Hold.OVERLAP),
        (instants[2], NOON, Hold.OVERLAP),
    ]
    assert [ring.run_id for ring in system.doorbell.heard()] == [backfilled(job_id)[0].id]
    assert executed(system) == instants
    assert records.job(LOCAL, job_id).status is JobStatus.PENDING


def test_runs_that_may_overlap_are_all_due_at_once(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 * * * *"), Overlap.ALLOW)
    backfill.backfill(LOCAL, system, job_id, NOON - 3 * HOUR, NOON)
    assert len(system.doorbell.heard()) == 3
    assert [claim_one(system).scheduled_for for _ in range(3)] == [NOON - hours * HOUR for hours in (3, 2, 1)]


def test_a_backfill_waits_for_what_is_going(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=3600))
    make_due(system)
    work = claim_one(system)
    system.clock.advance(3599)
    planning.plan(system)
    lifecycle.pause(LOCAL, system, job_id)
    system.clock.advance(3601)
    make_due(system)
    lifecycle.resume(LOCAL, system, job_id)
    assert backfill.backfill(LOCAL, system, job_id, NOON, system.clock.now()).made == 1
    assert claim(system) == []
    record(system, work, succeeded())
    assert executed(system) == [NOON + HOUR], "skipped while it was paused; that of noon ran"


def test_the_end_is_left_out_and_nothing_later_than_now_is_taken_in(system: GivenSystem) -> None:
    job_id = made(system, Cron("*/30 * * * *"))
    system.clock.advance(900)
    assert backfill.backfill(LOCAL, system, job_id, NOON - HOUR, NOON).last == NOON - HOUR / 2
    outcome = backfill.backfill(LOCAL, system, job_id, NOON, NOON + 24 * HOUR)
    assert (outcome.occurrences, outcome.first, outcome.last) == (1, NOON, NOON)


def test_what_ran_or_is_going_is_left_out_unless_it_is_to_run_again(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=60), Overlap.ALLOW)
    for result in (succeeded(), refused(), None):
        make_due(system)
        if result is not None:
            attempt(system, result)
        system.clock.advance(60)
    planning.plan(system)
    make_due(system)
    run_actions.cancel(LOCAL, system, runs_of(job_id)[3].id)
    system.clock.advance(1)
    span = (NOON, system.clock.now())
    assert backfill.backfill(LOCAL, system, job_id, *span).made == 1, "only the one that was cancelled did not run"
    assert backfill.backfill(LOCAL, system, job_id, *span).made == 0, "it is going"
    outcome = backfill.backfill(LOCAL, system, job_id, *span, again=True)
    assert (outcome.occurrences, outcome.made) == (4, 3)


def test_what_was_backfilled_can_be_backfilled_again(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 * * * *"))
    span = (NOON - 2 * HOUR, NOON)
    for made_anew in (2, 0):
        assert backfill.backfill(LOCAL, system, job_id, *span).made == made_anew
        executed(system)
    for _ in range(2):
        assert backfill.backfill(LOCAL, system, job_id, *span, again=True).made == 2
        assert executed(system) == [NOON - 2 * HOUR, NOON - HOUR]
    again = [run for run in runs_of(job_id) if run.trigger == Trigger.RETRY]
    assert {run.retry_of for run in again} == {run.id for run in backfilled(job_id)}


def test_a_dry_run_only_counts(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 * * * *"))
    before = len(runs_of(job_id))
    assert backfill.backfill(LOCAL, system, job_id, NOON - 2 * HOUR, NOON, dry_run=True).made == 2
    assert (len(runs_of(job_id)), system.doorbell.heard()) == (before, [])


def test_the_backfill_of_a_paused_job_is_held_and_takes_turns_when_it_is_resumed(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 * * * *"))
    lifecycle.pause(LOCAL, system, job_id)
    backfill.backfill(LOCAL, system, job_id, NOON - 2 * HOUR, NOON)
    assert (claim(system), system.doorbell.heard()) == ([], [])
    lifecycle.resume(LOCAL, system, job_id)
    assert executed(system) == [NOON - 2 * HOUR, NOON - HOUR]


def test_one_call_takes_a_thousand_occurrences_at_most(system: GivenSystem) -> None:
    job_id = made(system, Cron("* * * * *"))
    start = NOON - timedelta(minutes=1_000)
    with pytest.raises(InvalidInput, match=r"to: takes in more than 1000 .* give 2026-11-20T11:59:00"):
        backfill.backfill(LOCAL, system, job_id, start - timedelta(minutes=1), NOON)
    assert backfill.backfill(LOCAL, system, job_id, start, NOON).made == 1_000


def test_a_schedule_that_has_ended_shows_its_backfill_and_ends_again(system: GivenSystem) -> None:
    job_id = made(system, Interval(every_seconds=60, starts_at=NOON - HOUR, max_runs=1))
    make_due(system)
    attempt(system, succeeded())
    assert records.job(LOCAL, job_id).status is JobStatus.COMPLETED
    backfill.backfill(LOCAL, system, job_id, NOON - HOUR, NOON - HOUR + timedelta(seconds=61))
    assert records.job(LOCAL, job_id).status is JobStatus.QUEUED
    assert len(executed(system)) == 2
    assert records.job(LOCAL, job_id).status is JobStatus.COMPLETED


def test_only_a_schedule_that_names_its_occurrences_can_be_backfilled(system: GivenSystem) -> None:
    for schedule in (Immediate(), Polling(30)):
        run = first_run(system, schedule)
        with pytest.raises(InvalidInput, match=f"{schedule.kind}; only cron and interval"):
            backfill.backfill(LOCAL, system, run.job_id, NOON - HOUR, NOON)
    job_id = made(system, Cron("0 * * * *"))
    lifecycle.cancel(LOCAL, system, job_id)
    with pytest.raises(Conflict, match="cancelled"):
        backfill.backfill(LOCAL, system, job_id, NOON - HOUR, NOON)
    with pytest.raises(NotFound):
        backfill.backfill(LOCAL, system, uuid4(), NOON - HOUR, NOON)


def test_a_backfilled_run_that_failed_can_be_replayed(system: GivenSystem) -> None:
    job_id = made(system, Cron("0 * * * *"))
    backfill.backfill(LOCAL, system, job_id, NOON - HOUR, NOON)
    attempt(system, refused())
    [dead] = backfilled(job_id)
    assert dead.status is RunStatus.FAILED
    assert requested_runs.replay(LOCAL, system, dead.id).scheduled_for == NOON - HOUR
