"""What follows when an attempt has ended: decided from facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import attempt_endings, polls
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
    job_recurs=False,
    polling=POLLING,
    polling_version=4,
)
TOO_LATE = FACTS._replace(expire=True, deadline_at=NOON, deadline_missed_at=NOON)
REWOUND = FACTS._replace(polling_version=3)
CANCELLED = FACTS._replace(cancel_requested_at=NOON)


def failed(facts: Facts, decision: RetryDecision = AGAIN, **of_error: Any) -> Ending:
    error = TransientFailure("The receiver is down.", **of_error)
    return attempt_endings.fail(facts, error, decision, NOON, answer=None)


def polled(facts: Facts, *, done: bool = False) -> Ending:
    answer = PollAnswer({"page": 2}, done=done, next_in_seconds=None, progress=None, message=None)
    return attempt_endings.succeed(facts, answer, NOON, result=None)


def test_a_success_completes_run_and_job() -> None:
    ending = attempt_endings.succeed(FACTS, None, NOON, result=[1])
    assert (ending.changes["status"], ending.changes["result"]) == (RunStatus.COMPLETED, [1])
    assert (ending.attempt["outcome"], ending.job_ends) == (Outcome.SUCCEEDED, JobState.COMPLETED)


def test_a_success_after_the_deadline_notes_that_it_was_missed() -> None:
    late = FACTS._replace(deadline_at=NOON - timedelta(seconds=1))
    assert attempt_endings.succeed(late, None, NOON, result=None).changes["deadline_missed_at"] == NOON


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
    paused = FACTS._replace(job_state=JobState.PAUSED)
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
    ending = attempt_endings.release(FACTS._replace(job_state=JobState.FAILED), NOON)
    assert (ending.changes["status"], ending.changes["reason"]) == (RunStatus.CANCELLED, attempt_endings.JOB_ENDED)


def test_a_poll_that_is_not_done_is_followed_by_the_next() -> None:
    ending = polled(FACTS)
    assert ending.polled is not None
    assert (ending.polled.state, ending.polled.next_at) == ({"page": 2}, NOON + timedelta(seconds=30))
    assert ending.job_ends is None


def test_a_poll_that_is_done_completes_the_job_unless_its_state_was_rewound_meanwhile() -> None:
    assert polled(FACTS, done=True).job_ends is JobState.COMPLETED
    assert polled(REWOUND, done=True).job_ends is None


def test_no_poll_follows_for_a_job_that_has_ended_or_has_no_readable_schedule() -> None:
    assert polled(FACTS._replace(job_state=JobState.CANCELLED)).job_ends is JobState.CANCELLED
    unreadable = FACTS._replace(polling=replace(POLLING, schedule=None))
    assert polled(unreadable).job_ends is JobState.FAILED
    assert polled(unreadable._replace(cancel_requested_at=NOON)).job_ends is JobState.CANCELLED


@pytest.mark.parametrize(
    ("ending", "at", "outcome"),
    [
        (failed(REWOUND), NOON + timedelta(seconds=60), Outcome.FAILED),
        (attempt_endings.lose(REWOUND, AGAIN, NOON), NOON + timedelta(seconds=60), Outcome.LOST),
        (attempt_endings.release(REWOUND, NOON), NOON + timedelta(microseconds=1), Outcome.RELEASED),
    ],
    ids=["failed", "lost", "handed back"],
)
def test_a_poll_rewound_meanwhile_gives_way_to_a_new_one(ending: Ending, at: datetime, outcome: Outcome) -> None:
    assert (ending.changes["status"], ending.changes["reason"]) == (RunStatus.CANCELLED, polls.REWOUND)
    assert (ending.attempt["outcome"], ending.next_poll_at) == (outcome, at)
    assert (ending.retry_at, ending.job_ends) == (None, None)


@pytest.mark.parametrize(
    ("changes", "decision", "status"),
    [
        ({}, GIVE_UP, RunStatus.FAILED),
        ({"cancel_requested_at": NOON}, AGAIN, RunStatus.CANCELLED),
        ({"expire": True, "deadline_at": NOON, "deadline_missed_at": NOON}, AGAIN, RunStatus.FAILED),
    ],
    ids=["given up", "cancelled meanwhile", "expired meanwhile"],
)
def test_no_poll_follows_a_rewound_one_that_ends_for_good(
    changes: dict[str, Any], decision: RetryDecision, status: RunStatus
) -> None:
    ending = failed(REWOUND._replace(**changes), decision)
    assert (ending.changes["status"], ending.next_poll_at) == (status, None)
    assert ending.job_ends is not None


def giving_up_after(seconds: float, facts: Facts = FACTS) -> Facts:
    """Facts about a job that gives up so many seconds after it was accepted, 300 s ago."""
    return facts._replace(polling=replace(POLLING, schedule=Polling(30, give_up_after_seconds=seconds)))


@pytest.mark.parametrize(("limit", "waits"), [(1_000, 60), (360, 60), (359, 59), (300.5, 0.5)])
def test_a_poll_that_failed_is_tried_again_no_later_than_its_job_gives_up(limit: float, waits: float) -> None:
    for ending in (failed(giving_up_after(limit)), attempt_endings.lose(giving_up_after(limit), AGAIN, NOON)):
        assert (ending.retry_at, ending.end_reason) == (NOON + timedelta(seconds=waits), None)
    assert failed(giving_up_after(limit, REWOUND)).next_poll_at == NOON + timedelta(seconds=waits)


@pytest.mark.parametrize(
    ("limit", "decision"),
    [(300, AGAIN), (1, AGAIN), (359, RetryDecision(60, least_seconds=60))],
    ids=["now", "long ago", "before its receiver wants to be called again"],
)
@pytest.mark.parametrize("facts", [FACTS, REWOUND], ids=["", "rewound"])
def test_a_poll_that_failed_when_it_is_too_late_gives_up(facts: Facts, limit: float, decision: RetryDecision) -> None:
    reason = f"not done within give_up_after_seconds={limit}"
    late = giving_up_after(limit, facts)
    for ending in (failed(late, decision), attempt_endings.lose(late, decision, NOON)):
        assert (ending.changes["status"], ending.changes["reason"]) == (RunStatus.FAILED, reason)
        assert (ending.job_ends, ending.end_reason) == (JobState.FAILED, reason)
        assert (ending.retry_at, ending.next_poll_at) == (None, None)


def test_a_poll_that_was_cancelled_or_used_up_its_retries_does_not_give_up() -> None:
    late = giving_up_after(1)
    assert failed(late, GIVE_UP).end_reason is None
    assert failed(late._replace(cancel_requested_at=NOON)).end_reason is None


def test_a_poll_that_is_handed_back_too_late_is_called_again() -> None:
    assert attempt_endings.release(giving_up_after(1), NOON).changes["status"] is RunStatus.QUEUED


def test_runs_count_for_a_job_that_comes_back_and_attempts_for_all_others() -> None:
    recurs = FACTS._replace(job_recurs=True)
    assert attempt_endings.health_event(FACTS, failed(FACTS)).succeeded is False
    assert attempt_endings.health_event(recurs, failed(recurs)).succeeded is None
    assert attempt_endings.health_event(recurs, failed(recurs, GIVE_UP)).succeeded is False
