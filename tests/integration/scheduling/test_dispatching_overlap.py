"""What becomes of an occurrence that is dispatched while another run of its job is not over."""

from __future__ import annotations

from datetime import timedelta

from core.schedules import Cron
from core.states import JobState, RunStatus
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    failed,
    first_run,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.scheduling.dispatcher import EVERY_MINUTE, dispatch, next_minute, statuses


def test_an_occurrence_is_skipped_while_the_one_before_is_queued(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    assert [next_minute(system), next_minute(system)] == [1, 0]
    first, second, *_ = runs_of(job_id)
    assert first.status is RunStatus.QUEUED
    assert (second.status, second.reason, second.finished_at) == (RunStatus.SKIPPED, "overlap", system.clock.now())


def test_an_occurrence_is_skipped_while_the_one_before_is_running(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    next_minute(system)
    claim_one(system)
    assert next_minute(system) == 0
    assert statuses(job_id)[:2] == [RunStatus.RUNNING, RunStatus.SKIPPED]


def test_an_occurrence_is_skipped_while_the_one_before_waits_to_be_tried_again(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE, retry_backoff_base=300).job_id
    next_minute(system)
    record(system, claim_one(system), failed())
    assert next_minute(system) == 0
    assert statuses(job_id)[:2] == [RunStatus.RETRYING, RunStatus.SKIPPED]


def test_once_the_one_before_is_over_the_next_occurrence_runs(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    next_minute(system)
    record(system, claim_one(system), succeeded())
    assert next_minute(system) == 1
    assert statuses(job_id)[:2] == [RunStatus.COMPLETED, RunStatus.QUEUED]


def test_of_two_occurrences_made_due_together_the_second_is_skipped(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    system.clock.advance(120)
    assert dispatch(system) == 1
    assert statuses(job_id)[:2] == [RunStatus.QUEUED, RunStatus.SKIPPED]


def test_a_retry_is_no_overlap_with_itself(system: GivenSystem) -> None:
    run = first_run(system, EVERY_MINUTE, retry_backoff_base=1)
    next_minute(system)
    record(system, claim_one(system), failed())
    system.clock.advance(2)
    assert dispatch(system) == 1
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_one_jobs_run_is_no_overlap_for_another_job(system: GivenSystem) -> None:
    first_run(system, EVERY_MINUTE)
    first_run(system, EVERY_MINUTE)
    assert next_minute(system) == 2


def test_a_skipped_occurrence_does_not_count_as_a_start(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *", max_runs=2)).job_id
    for _ in range(3):
        next_minute(system)
    assert stored_job(job_id).runs_started == 1
    record(system, claim_one(system), succeeded())
    assert next_minute(system) == 1
    record(system, claim_one(system), succeeded())
    assert stored_job(job_id).state is JobState.COMPLETED


def test_a_job_whose_last_occurrence_is_skipped_ends_with_the_run_before(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *", ends_at=NOON + timedelta(seconds=121))).job_id
    next_minute(system)
    work = claim_one(system)
    assert next_minute(system) == 0
    assert stored_job(job_id).state is JobState.ACTIVE
    record(system, work, succeeded())
    assert stored_job(job_id).state is JobState.COMPLETED
