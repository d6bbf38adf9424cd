"""Why a run did or did not happen: the answer names the rule, the instants and the other run."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from core.errors import AbortReason, NotFound
from core.policies import CatchUp, Overlap
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Polling
from services.execution.work import Stopped
from services.jobs import creating, lifecycle
from services.maintenance import rescues
from services.scheduling import overdue, pauses
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    failed,
    first_run,
    new_job,
    polled,
    record,
    refused,
    runs_of,
    succeeded,
)
from tests.integration.execution.attempting import LEASE_SECONDS, make_due_again
from tests.integration.reading.explaining.explained import come, minutely, why


def test_one_that_ran_tells_when_and_how_often_it_was_tried(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    system.clock.advance(3)
    record(system, work, succeeded())
    found = why(system, run.job_id, NOON)
    assert found.run_id == run.id
    assert found.answer == "It ran: begun at 2026-11-20T12:00:00Z, completed at 2026-11-20T12:00:03Z, 1 attempt."


def test_one_that_failed_tells_what_it_was_told(system: GivenSystem) -> None:
    run = first_run(system)
    record(system, claim_one(system), refused())
    answer = why(system, run.job_id, NOON).answer
    assert answer.startswith("It ran and failed for good at 2026-11-20T12:00:00Z, after 1 attempt: The receiver")


def test_one_that_is_tried_again_tells_when(system: GivenSystem) -> None:
    run = first_run(system)
    record(system, claim_one(system), failed(retry_after_seconds=600))
    assert "it is tried again at 2026-11-20T12:10:" in why(system, run.job_id, NOON).answer


def test_one_that_has_lost_two_workers_tells_that_it_is_kept_apart(system: GivenSystem) -> None:
    run = first_run(system)
    for losses in (1, 2):
        claim_one(system)
        system.clock.advance(LEASE_SECONDS + 1)
        rescues.rescue(system)
        answer = why(system, run.job_id, NOON).answer
        assert ("no other such run beside it" in answer) == (losses == 2)
        make_due_again(system, run.id)


def test_one_to_come_is_found_by_its_second(system: GivenSystem) -> None:
    system.clock.advance(0.4)
    job_id = minutely(system)
    answer = why(system, job_id, NOON + timedelta(hours=2)).answer
    assert "names no occurrence" not in answer
    assert "02:00.4" not in answer


def test_one_that_was_skipped_names_the_run_that_was_going(system: GivenSystem) -> None:
    job_id = minutely(system)
    come(system, 0)
    claim_one(system)
    come(system, 60)
    first = runs_of(job_id)[0]
    answer = why(system, job_id, NOON + timedelta(seconds=60)).answer
    assert answer == (
        f"It was skipped: the run {first.id}, for 2026-11-20T12:00:00Z, was still going when it came (overlap: skip)."
    )


def test_one_that_waits_says_for_what(system: GivenSystem) -> None:
    job_id = minutely(system, overlap=Overlap.QUEUE_ONE)
    come(system, 0)
    assert "waits for a free worker" in why(system, job_id, NOON).answer
    claim_one(system)
    come(system, 60)
    assert "waits for its turn" in why(system, job_id, NOON + timedelta(seconds=60)).answer


def test_the_run_in_the_way_goes_by_the_instant_that_it_was_for_though_it_is_tried_again(system: GivenSystem) -> None:
    job_id = minutely(system, max_retries=3)
    come(system, 0)
    record(system, claim_one(system), failed(retry_after_seconds=59))
    come(system, 60)
    found = why(system, job_id, NOON + timedelta(seconds=60))
    assert found.blocked_by == runs_of(job_id)[0].id
    assert f"the run {found.blocked_by}, for 2026-11-20T12:00:00Z, was still going" in found.answer


def test_an_instant_between_polls_leads_to_those_around_it(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Polling(interval_seconds=60)))
    record(system, claim_one(system), polled({}))
    found = why(system, job_id, NOON + timedelta(seconds=30))
    assert (found.previous, found.next) == (NOON, NOON + timedelta(seconds=60))


def test_one_that_came_during_a_pause_says_so(system: GivenSystem) -> None:
    job_id = minutely(system)
    pauses.pause_app(LOCAL, system, "app_a")
    come(system, 0)
    paused = "the app app_a {} paused since 2026-11-20T12:00:00Z, by somebody on this machine"
    assert why(system, job_id, NOON).answer == (
        f"It was skipped: when it came, {paused.format('was')}. A backfill can make up for it."
    )
    once = first_run(system)
    held = f"held: {paused.format('is')}. It waits until the app app_a is resumed."
    assert held in why(system, once.job_id, NOON).answer


def test_what_was_paused_is_told_of_the_instant_and_not_of_now(system: GivenSystem) -> None:
    job_id = minutely(system)
    lifecycle.pause(LOCAL, system, job_id, reason="Lunch")
    come(system, 0)
    system.clock.advance(30)
    lifecycle.resume(LOCAL, system, job_id)
    pauses.pause_everything(LOCAL, system, "A storm")
    come(system, 30)
    by = "by somebody on this machine"
    assert f"when it came, the job was paused since 2026-11-20T12:00:00Z, {by}: “Lunch”. A" in (
        why(system, job_id, NOON).answer
    )
    assert f"when it came, everything was paused since 2026-11-20T12:00:30Z, {by}: “A storm”. A" in (
        why(system, job_id, NOON + timedelta(seconds=60)).answer
    )


def test_a_job_that_was_made_paused_has_no_pause_on_record(system: GivenSystem) -> None:
    job_id = minutely(system, paused=True)
    come(system, 0)
    assert why(system, job_id, NOON).answer.startswith("It was skipped: the job, its app or everything was paused")


@pytest.mark.parametrize("catch_up", [CatchUp.LATEST, CatchUp.SKIP])
def test_one_that_was_missed_names_the_policy(system: GivenSystem, catch_up: CatchUp) -> None:
    job_id = minutely(system, catch_up=catch_up)
    come(system, 630)
    answer = why(system, job_id, NOON + timedelta(minutes=5)).answer
    assert answer.startswith("It was missed: its row was made at 2026-11-20T12:10:30Z, more than 60 s late")
    assert f"catch_up: {catch_up}" in answer


def test_one_in_a_gap_finds_the_row_that_stands_for_it(system: GivenSystem) -> None:
    job_id = minutely(system, catch_up=CatchUp.SKIP)
    come(system, 2_000 * 60)
    found = why(system, job_id, NOON + timedelta(minutes=1_000))
    assert found.answer.startswith("It was missed")
    assert found.run_id == next(run.id for run in runs_of(job_id) if run.occurrences > 1)


def test_one_that_expired_names_its_deadline(system: GivenSystem) -> None:
    run = first_run(system, deadline_at=NOON + timedelta(seconds=60), expire=True)
    system.clock.advance(61)
    overdue.watch_deadlines(system)
    assert why(system, run.job_id, NOON).answer == (
        "It never ran: its deadline 2026-11-20T12:01:00Z passed while it waited, and it expires."
    )


def test_one_that_was_cancelled_says_whether_it_had_begun(system: GivenSystem) -> None:
    waiting_run, running = first_run(system, DelayFromNow(60)), first_run(system)
    work = claim_one(system)
    for run in (waiting_run, running):
        lifecycle.cancel(LOCAL, system, run.job_id)
    record(system, work, Stopped(AbortReason.CANCELLED))
    assert why(system, waiting_run.job_id, NOON + timedelta(seconds=60)).answer.startswith("It never ran: cancelled at")
    assert why(system, running.job_id, NOON).answer.startswith("It was stopped while it ran: cancelled at")


def test_an_instant_that_is_no_occurrence_shows_those_around_it(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("0 9 * * 1", timezone="Europe/Paris")))
    found = why(system, job_id, NOON + timedelta(days=7))
    assert found.answer == ("The schedule names no occurrence at that instant: At 09:00 on Monday, Europe/Paris."), (
        found.answer
    )
    assert (found.run_id, found.previous, found.next) == (
        None,
        datetime.fromisoformat("2026-11-23T08:00:00Z"),
        datetime.fromisoformat("2026-11-30T08:00:00Z"),
    )


def test_before_the_start_and_after_the_end_the_option_is_named(system: GivenSystem) -> None:
    start, end = NOON + timedelta(days=1), NOON + timedelta(days=2)
    job_id = creating.create(LOCAL, system, new_job(Cron("0 * * * *", starts_at=start, ends_at=end)))
    assert "it begins at starts_at=2026-11-21T12:00:00Z" in why(system, job_id, start - timedelta(hours=1)).answer
    assert "it ended at ends_at=2026-11-22T12:00:00Z" in why(system, job_id, end).answer


def test_occurrences_without_rows_say_why_there_is_none(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("0 * * * *")))
    hour = timedelta(hours=1)
    assert "the job was accepted at 2026-11-20T12:00:00Z" in why(system, job_id, NOON - hour).answer
    assert "It has not come yet" in why(system, job_id, NOON + hour).answer
    system.clock.advance(2 * 3_600)
    assert "no coordinator has run since" in why(system, job_id, NOON + hour).answer
    lifecycle.cancel(LOCAL, system, job_id)
    assert "the job ended (cancelled) at 2026-11-20T14:00:00Z" in why(system, job_id, NOON + 3 * hour).answer


def test_a_job_that_runs_once_says_when(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    assert "Once, 1 min after it is accepted" in why(system, run.job_id, NOON + timedelta(hours=1)).answer


def test_a_job_that_is_not_there_is_not_found(system: GivenSystem) -> None:
    with pytest.raises(NotFound, match="job"):
        why(system, uuid4(), NOON)
