"""How jobs end, or do not, when someone cancels, deletes, rewinds or refuses while a run is under way."""

from __future__ import annotations

from core.errors import AbortReason
from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Interval, Polling
from core.states import JobState, RunStatus
from services.execution import rescue
from services.execution.work import Stopped
from services.jobs import creating, editing, polling_states
from services.jobs import run_actions as run_service
from services.scheduling import dispatching
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    new_job,
    polled,
    record,
    refused,
    stored_job,
    stored_run,
)


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def test_a_run_handed_back_after_its_job_was_deleted_never_starts_again(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    editing.delete(LOCAL, system, run.job_id)
    record(system, work, Stopped(AbortReason.SHUTDOWN))
    assert (stored_run(run.id).status, claim(system)) == (RunStatus.CANCELLED, [])


def test_a_run_whose_worker_dies_after_its_job_was_deleted_is_not_retried(system: GivenSystem) -> None:
    run = first_run(system)
    claim_one(system)
    editing.delete(LOCAL, system, run.job_id)
    rescue.take_back(system, [run.id], only_expired=False)
    assert (stored_run(run.id).status, claim(system)) == (RunStatus.FAILED, [])


def test_a_job_whose_receiver_is_gone_pauses_with_all_that_is_queued(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60), overlap=Overlap.ALLOW))
    make_due(system)
    work = claim_one(system)
    system.clock.advance(60)
    make_due(system)
    record(system, work, refused(410))
    assert (stored_job(job_id).state, claim(system)) == (JobState.PAUSED, [])


def test_a_poll_that_was_rewound_meanwhile_does_not_end_polling(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Polling(interval_seconds=10)))
    record(system, claim_one(system), polled({"n": 1}))
    system.clock.advance(10)
    make_due(system)
    work = claim_one(system)
    polling_states.rewind(LOCAL, system, job_id, 0)
    record(system, work, polled({"n": 2}, done=True))
    assert stored_job(job_id).state is JobState.ACTIVE


def test_a_poll_that_was_cancelled_and_answers_is_the_last(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Polling(interval_seconds=10)))
    work = claim_one(system)
    run_service.cancel(LOCAL, system, work.run_id)
    record(system, work, polled({"n": 1}))
    assert stored_job(job_id).state is JobState.CANCELLED


def test_a_run_that_was_cancelled_and_fails_is_cancelled_and_not_tried_again(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    run_service.cancel(LOCAL, system, run.id)
    record(system, work, failed())
    assert (stored_run(run.id).status, stored_job(run.job_id).state) == (RunStatus.CANCELLED, JobState.CANCELLED)
