"""What follows when an attempt has ended: decided from facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.errors import PermanentFailure, TransientFailure
from core.polls import PollingFacts
from core.receiver_answers import PollAnswer
from core.retry import GIVE_UP, RetryDecision
from core.schedules import Polling
from core.states import Hold, JobState, Outcome, RunStatus

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AGAIN = RetryDecision(60)
POLLING = PollingFacts(Polling(30), {"page": 1}, version=4, polls=4, since=NOON - timedelta(minutes=5))
FACTS = Facts(
    run_id=UUID(int=1),
    scheduled_for=NOON,
    failure_count=1,
    loss_count=1,
    fence=7,
    expire=False,
    deadline_at=None,
    deadline_missed_at=None,
    late_at=None,
    cancel_requested_at=None,
    job_state=JobState.ACTIVE,
    job_comes_back=False,
    polling=POLLING,
)
TOO_LATE = replace(FACTS, expire=True, deadline_at=NOON, deadline_missed_at=NOON)
CANCELLED = replace(FACTS, cancel_requested_at=NOON)


def failed(facts: Facts, decision: RetryDecision = AGAIN, **of_error: Any) -> Ending:
    error = TransientFailure("The receiver is down.", **of_error)
    return attempt_endings.fail(facts, error, decision, NOON, answer=None)


def polled(facts: Facts, *, done: bool = False, from_version: int = 4) -> Ending:
    answer = PollAnswer({"page": 2}, done=done, next_in_seconds=None, progress=None, message=None)
    return attempt_endings.succeed(facts, answer, from_version, NOON, result=None)


def test_a_success_completes_run_and_job() -> None:
    ending = attempt_endings.succeed(FACTS, None, 0, NOON, result=[1])
    assert (ending.changes["status"], ending.changes["result"]) == (RunStatus.COMPLETED, [1])
    assert (ending.attempt["outcome"], ending.job_ends) == (Outcome.SUCCEEDED, JobState.COMPLETED)


def test_a_success_after_the_deadline_notes_that_it_was_missed() -> None:
    late = replace(FACTS, deadline_at=NOON - timedelta(seconds=1))
    assert attempt_endings.succeed(late, None, 0, NOON, result=None).changes["deadline_missed_at"] == NOON


def test_a_failure_is_tried_again_when_the_decision_says() -> None:
    ending = failed(FACTS)
    assert (ending.changes["status"], ending.changes["failure_count"]) == (RunStatus.RETRYING, 2)
    assert ending.retry_at == ending.changes["due_at"] == NOON + timedelta(seconds=60)
    assert ending.job_ends is None


@pytest.mark.parametrize(
    ("facts", "decision", "status", "job_ends"),
    [
        (FACTS, GIVE_UP, RunStatus.FAILED, JobState.FAILED),
        (CANCELLED, AGAIN, RunStatus.CANCELLED, JobState.CANCELLED),
        (TOO_LATE, AGAIN, RunStatus.FAILED, JobState.FAILED),
    ],
    ids=["given up", "cancelled meanwhile", "expired meanwhile"],
)
def test_a_failure_is_final(facts: Facts, decision: RetryDecision, status: RunStatus, job_ends: JobState) -> None:
    ending = failed(facts, decision)
    assert (ending.changes["status"], ending.job_ends, ending.retry_at) == (status, job_ends, None)


def test_a_receiver_that_is_gone_pauses_an_active_job() -> None:
    gone = PermanentFailure("Gone.", status_code=410)
    paused = replace(FACTS, job_state=JobState.PAUSED)
    pauses = [attempt_endings.fail(facts, gone, GIVE_UP, NOON, answer=None).job_pauses for facts in (FACTS, paused)]
    assert pauses == [True, False]


def test_a_loss_moves_the_fence_so_that_a_late_result_is_refused() -> None:
    ending = attempt_endings.lose(FACTS, AGAIN, NOON)
    assert (ending.changes["fence"], ending.changes["loss_count"]) == (8, 2)
    assert ending.attempt["outcome"] == Outcome.LOST


@pytest.mark.parametrize("held_by", [None, Hold.PAUSED, Hold.RESTORED])
def test_a_run_handed_back_is_due_again_and_held_by_a_pause(held_by: Hold | None) -> None:
    ending = attempt_endings.release(FACTS, NOON, held_by)
    assert ending.changes == {"status": RunStatus.QUEUED, "held_by": held_by, "progress": None, "message": None}


def test_a_run_handed_back_of_a_job_that_has_ended_is_cancelled() -> None:
    ending = attempt_endings.release(replace(FACTS, job_state=JobState.FAILED), NOON)
    assert (ending.changes["status"], ending.changes["reason"]) == (RunStatus.CANCELLED, attempt_endings.JOB_ENDED)


def test_a_poll_that_is_not_done_is_followed_by_the_next() -> None:
    ending = polled(FACTS)
    assert ending.polled is not None
    assert (ending.polled.state, ending.polled.next_at) == ({"page": 2}, NOON + timedelta(seconds=30))
    assert ending.job_ends is None


def test_a_poll_that_is_done_completes_the_job_unless_its_state_was_rewound_meanwhile() -> None:
    assert polled(FACTS, done=True).job_ends is JobState.COMPLETED
    assert polled(FACTS, done=True, from_version=3).job_ends is None


def test_no_poll_follows_for_a_job_that_has_ended_or_has_no_readable_schedule() -> None:
    assert polled(replace(FACTS, job_state=JobState.CANCELLED)).job_ends is JobState.CANCELLED
    unreadable = replace(FACTS, polling=replace(POLLING, schedule=None))
    assert polled(unreadable).job_ends is JobState.FAILED
    assert polled(replace(unreadable, cancel_requested_at=NOON)).job_ends is JobState.CANCELLED


def test_runs_count_for_a_job_that_comes_back_and_attempts_for_all_others() -> None:
    comes_back = replace(FACTS, job_comes_back=True)
    assert attempt_endings.event(FACTS, failed(FACTS)).well is False
    assert attempt_endings.event(comes_back, failed(comes_back)).well is None
    assert attempt_endings.event(comes_back, failed(comes_back, GIVE_UP)).well is False
