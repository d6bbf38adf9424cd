"""Overlap: what becomes of an occurrence that is due while a run of its job is still going."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.errors import AbortReason
from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Interval
from core.states import Hold, JobState, RunStatus
from models import run_holds
from services.execution import claiming, workers
from services.execution.work import Stopped, Work
from services.jobs import backfill, creating, definition, editing, lifecycle, requested_runs
from services.maintenance import rescues
from services.messaging.doorbell import Ring
from services.scheduling import dispatching, overlap_queue, planning
from services.scheduling.due_runs import REPLACED
from tests.factories import GivenSystem, claim, claim_one, failed, new_job, record, runs_of, stored_job, succeeded

MINUTELY = Interval(every_seconds=60)
COMPLETED, CANCELLED, SKIPPED = RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.SKIPPED
QUEUED, RUNNING = RunStatus.QUEUED, RunStatus.RUNNING


def job_of(system: GivenSystem, overlap: Overlap, **options: int) -> UUID:
    return creating.create(LOCAL, system, new_job(Interval(every_seconds=60, **options), overlap=overlap))  # type: ignore[arg-type]


def next_minute(system: GivenSystem) -> None:
    system.clock.advance(60)
    planning.plan(system)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def shown(job_id: UUID) -> list[tuple[RunStatus, str | None]]:
    """What became of each occurrence that has come: its status, and what holds it or why it did not run."""
    return [(run.status, run.held_by or run.reason) for run in runs_of(job_id) if run.status is not RunStatus.PENDING]


def first_going(system: GivenSystem, overlap: Overlap) -> tuple[UUID, Work]:
    """A job whose first run has been claimed."""
    job_id = job_of(system, overlap)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    return job_id, claim_one(system)


@pytest.mark.parametrize(
    ("overlap", "second", "third"),
    [
        (Overlap.SKIP, (SKIPPED, "overlap"), (SKIPPED, "overlap")),
        (Overlap.ALLOW, (QUEUED, None), (QUEUED, None)),
        (Overlap.QUEUE_ONE, (QUEUED, Hold.OVERLAP), (SKIPPED, "overlap")),
        (Overlap.CANCEL_PREVIOUS, (CANCELLED, REPLACED), (QUEUED, Hold.OVERLAP)),
    ],
)
def test_two_that_come_while_the_first_runs(
    system: GivenSystem,
    overlap: Overlap,
    second: tuple[RunStatus, str | None],
    third: tuple[RunStatus, str | None],
) -> None:
    job_id, _ = first_going(system, overlap)
    next_minute(system)
    next_minute(system)
    assert shown(job_id)[1:] == [second, third]


@pytest.mark.parametrize(
    ("overlap", "statuses"),
    [
        (Overlap.SKIP, [QUEUED, SKIPPED]),
        (Overlap.ALLOW, [QUEUED, QUEUED]),
        (Overlap.QUEUE_ONE, [QUEUED, QUEUED]),
        (Overlap.CANCEL_PREVIOUS, [CANCELLED, QUEUED]),
    ],
)
def test_one_that_comes_while_the_first_waits_for_a_worker(
    system: GivenSystem, overlap: Overlap, statuses: list[RunStatus]
) -> None:
    job_id = job_of(system, overlap)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    next_minute(system)
    assert [status for status, _ in shown(job_id)] == statuses
    assert len(claim(system)) == (2 if overlap is Overlap.ALLOW else 1)


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE])
def test_a_run_that_waits_to_be_tried_again_is_still_going(system: GivenSystem, overlap: Overlap) -> None:
    job_id, work = first_going(system, overlap)
    record(system, work, failed(retry_after_seconds=600))
    next_minute(system)
    assert shown(job_id)[1] == ((SKIPPED, "overlap") if overlap is Overlap.SKIP else (QUEUED, Hold.OVERLAP))
    assert claim(system) == []


def test_the_one_that_waits_starts_and_rings_when_the_one_before_has_ended(system: GivenSystem) -> None:
    job_id, work = first_going(system, Overlap.QUEUE_ONE)
    next_minute(system)
    assert claim(system) == []
    system.doorbell.heard()
    record(system, work, succeeded())
    waiting = runs_of(job_id)[1]
    assert system.doorbell.heard() == [Ring(waiting.id, "runs.http")]
    assert claim_one(system).run_id == waiting.id
    assert shown(job_id) == [(COMPLETED, None), (RUNNING, None)]


def test_the_newest_replaces_the_one_that_runs_once_that_has_been_stopped(system: GivenSystem) -> None:
    job_id, work = first_going(system, Overlap.CANCEL_PREVIOUS)
    next_minute(system)
    first, second, *_ = runs_of(job_id)
    assert (first.status, first.cancel_requested_at, first.reason) == (RUNNING, system.clock.now(), REPLACED)
    assert claim(system) == []
    record(system, work, Stopped(AbortReason.CANCELLED))
    assert claim_one(system).run_id == second.id
    assert shown(job_id) == [(CANCELLED, REPLACED), (RUNNING, None)]


def test_the_one_that_waits_starts_when_the_worker_of_the_one_before_has_died(system: GivenSystem) -> None:
    job_id, _ = first_going(system, Overlap.CANCEL_PREVIOUS)
    next_minute(system)
    system.clock.advance(system.settings.lease_seconds + 1)
    assert rescues.rescue(system) == 1
    assert overlap_queue.give_all(system) == 1
    assert claim_one(system).run_id == runs_of(job_id)[1].id


def test_turns_are_given_to_nobody_while_something_is_going(system: GivenSystem) -> None:
    first_going(system, Overlap.QUEUE_ONE)
    next_minute(system)
    assert overlap_queue.give_all(system) == 0
    assert claim(system) == []


def test_many_that_must_wait_do_not_keep_others_from_their_turn(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap_queue, "BATCH", 2)
    works = [first_going(system, Overlap.QUEUE_ONE)[1] for _ in range(6)]
    next_minute(system)
    monkeypatch.setattr(overlap_queue, "give", lambda _system, _locked: [])
    record(system, works[-1], succeeded())
    monkeypatch.undo()
    monkeypatch.setattr(overlap_queue, "BATCH", 2)
    assert overlap_queue.give_all(system) == 1


def test_one_whose_turn_comes_while_its_job_is_paused_is_held(system: GivenSystem) -> None:
    job_id, work = first_going(system, Overlap.QUEUE_ONE)
    next_minute(system)
    lifecycle.pause(LOCAL, system, job_id)
    system.doorbell.heard()
    record(system, work, succeeded())
    assert runs_of(job_id)[1].held_by is Hold.PAUSED
    assert (claim(system), system.doorbell.heard()) == ([], [])
    lifecycle.resume(LOCAL, system, job_id)
    assert len(claim(system)) == 1


def test_a_cancelled_job_leaves_nobody_waiting(system: GivenSystem) -> None:
    job_id, work = first_going(system, Overlap.QUEUE_ONE)
    next_minute(system)
    lifecycle.cancel(LOCAL, system, job_id)
    record(system, work, Stopped(AbortReason.CANCELLED))
    assert overlap_queue.give_all(system) == 0
    assert [status for status, _ in shown(job_id)] == [CANCELLED] * len(runs_of(job_id))


@pytest.mark.parametrize("overlap", [Overlap.QUEUE_ONE, Overlap.CANCEL_PREVIOUS])
def test_a_run_counts_against_max_runs_when_it_starts_and_the_job_ends_after_the_last(
    system: GivenSystem, overlap: Overlap
) -> None:
    job_id = job_of(system, overlap, max_runs=2)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    first = claim_one(system)
    next_minute(system)
    assert stored_job(job_id).runs_started == 1
    record(system, first, succeeded())
    assert stored_job(job_id).runs_started == 2
    second = claim_one(system)
    next_minute(system)
    record(system, second, succeeded())
    assert stored_job(job_id).state == "completed"
    assert [status for status, _ in shown(job_id)] == [COMPLETED, COMPLETED]


def allow_overlap(system: GivenSystem, job_id: UUID) -> None:
    job = stored_job(job_id)
    editing.edit(LOCAL, system, job_id, lambda _: replace(definition.of(job, ()), overlap=Overlap.ALLOW))


def test_one_that_waits_starts_and_rings_when_an_edit_allows_overlap(system: GivenSystem) -> None:
    job_id, work = first_going(system, Overlap.QUEUE_ONE)
    next_minute(system)
    system.doorbell.heard()
    allow_overlap(system, job_id)
    waiting = runs_of(job_id)[1]
    assert system.doorbell.heard() == [Ring(waiting.id, "runs.http")]
    assert [(one.until, one.held_by) for one in run_holds.of_run(waiting.id)] == [(system.clock.now(), Hold.OVERLAP)]
    assert stored_job(job_id).runs_started == 2
    assert claim_one(system).run_id == waiting.id
    record(system, work, succeeded())
    assert shown(job_id) == [(COMPLETED, None), (RUNNING, None)]


def test_all_that_wait_start_when_an_edit_allows_overlap_and_a_pause_still_holds_them(system: GivenSystem) -> None:
    span = system.clock.now() - timedelta(minutes=3), system.clock.now()
    schedule = Interval(every_seconds=60, starts_at=span[0])
    job_id = creating.create(LOCAL, system, new_job(schedule, overlap=Overlap.QUEUE_ONE))
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    claim_one(system)
    assert backfill.backfill(LOCAL, system, job_id, *span).made == 3
    lifecycle.pause(LOCAL, system, job_id)
    allow_overlap(system, job_id)
    assert [one for one in shown(job_id) if one != (RUNNING, None)] == [(QUEUED, Hold.PAUSED)] * 3
    lifecycle.resume(LOCAL, system, job_id)
    assert len(claim(system)) == 3
    assert stored_job(job_id).runs_started == 1, "what was requested does not count"


def test_an_edit_that_allows_overlap_starts_no_more_than_max_runs(system: GivenSystem) -> None:
    job_id = job_of(system, Overlap.QUEUE_ONE, max_runs=2)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    next_minute(system)
    allow_overlap(system, job_id)
    next_minute(system)
    assert shown(job_id) == [(QUEUED, None)] * 2
    for work in claim(system):
        record(system, work, succeeded())
    assert stored_job(job_id).state == JobState.COMPLETED


def test_what_someone_requested_is_not_cancelled_by_the_next_occurrence(system: GivenSystem) -> None:
    job_id = job_of(system, Overlap.CANCEL_PREVIOUS)
    requested = requested_runs.trigger(LOCAL, system, job_id, None)
    next_minute(system)
    assert shown(job_id) == [(CANCELLED, REPLACED), (QUEUED, None), (QUEUED, Hold.OVERLAP)]
    work = claim_one(system)
    assert work.run_id == requested.id
    next_minute(system)
    record(system, work, succeeded())
    assert claim_one(system).scheduled_for == system.clock.now()


def test_those_replaced_before_they_were_due_to_start_do_not_count_against_max_runs(system: GivenSystem) -> None:
    job_id = job_of(system, Overlap.CANCEL_PREVIOUS, max_runs=2)
    system.clock.advance(130)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    job = stored_job(job_id)
    assert (job.runs_started, job.next_run_at is None) == (1, False)


def test_one_that_was_due_and_is_replaced_before_it_began_does_not_count_either(system: GivenSystem) -> None:
    """No worker takes anything for three minutes; then the job still has its two runs."""
    job_id = job_of(system, Overlap.CANCEL_PREVIOUS, max_runs=2)
    for _ in range(3):
        next_minute(system)
        assert stored_job(job_id).runs_started == 1
    record(system, claim_one(system), succeeded())
    next_minute(system)
    record(system, claim_one(system), succeeded())
    assert stored_job(job_id).state == JobState.COMPLETED


def test_one_that_began_counts_though_it_is_replaced(system: GivenSystem) -> None:
    job_id = job_of(system, Overlap.CANCEL_PREVIOUS, max_runs=3)
    next_minute(system)
    claim_one(system)
    next_minute(system)
    assert stored_job(job_id).runs_started == 1, "the one that waits for its turn counts when it has it"


def test_several_that_come_at_once_after_an_outage_follow_the_policy_among_themselves(system: GivenSystem) -> None:
    jobs = {overlap: job_of(system, overlap) for overlap in Overlap}
    system.clock.advance(130)  # three rows of each were made with the job, and nobody dispatched them
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    assert {overlap: shown(job_id) for overlap, job_id in jobs.items()} == {
        Overlap.SKIP: [(QUEUED, None), (SKIPPED, "overlap"), (SKIPPED, "overlap")],
        Overlap.ALLOW: [(QUEUED, None)] * 3,
        Overlap.QUEUE_ONE: [(QUEUED, None), (QUEUED, Hold.OVERLAP), (SKIPPED, "overlap")],
        Overlap.CANCEL_PREVIOUS: [(CANCELLED, REPLACED), (CANCELLED, REPLACED), (QUEUED, None)],
    }
    assert stored_job(jobs[Overlap.CANCEL_PREVIOUS]).runs_started == 1
    assert len(claiming.claim(system, workers.register(system), "runs.http", 100)) == 6
