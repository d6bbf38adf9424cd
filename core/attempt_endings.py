"""Decide what follows for a run and its job when an attempt has ended.

Every decision reads frozen facts and returns an `Ending`; `services.scheduling.run_endings` loads and applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core import polls, storable
from core.alerting import HealthEvent
from core.errors import AttemptError
from core.polls import Polled, PollingFacts
from core.receiver_answers import PollAnswer
from core.retry import RetryDecision
from core.states import ENDED, Hold, JobState, Outcome, RunStatus

MESSAGE_KEPT = 2_000
TOO_LATE = "deadline"
JOB_ENDED = "job ended"
GONE = 410  # the receiver wants no more calls: the job is paused too

_LOST = "The worker died or lost its lease before it could record what happened."
_LOST_FOR_GOOD = "{losses} workers in turn died or lost their lease while running this; it is not tried again."
_NOTHING_REPORTED = {"progress": None, "message": None}  # each attempt reports its own progress
_CANCELLED = {"error_type": "cancelled", "error_message": "Cancelled while it ran."}


class Facts(NamedTuple):
    """The facts that decide about the end of an attempt: those of its run and its job, read under their locks."""

    run_id: UUID
    scheduled_for: datetime
    failure_count: int
    loss_count: int
    fence: int
    expire: bool
    deadline_at: datetime | None
    deadline_missed_at: datetime | None
    late_at: datetime | None
    cancel_requested_at: datetime | None
    job_state: JobState
    job_recurs: bool
    polling: PollingFacts
    polling_version: int  # of the state with which the attempt was made

    @property
    def is_rewound(self) -> bool:
        """Whether the job's polling state has been replaced since the attempt began."""
        return self.polling_version != self.polling.version


@dataclass(frozen=True)
class Ending:
    """The consequences of the end of one attempt: new values of attempt and run, and what becomes of the job."""

    attempt: Mapping[str, Any]
    changes: Mapping[str, Any]
    retry_at: datetime | None = None
    job_ends: JobState | None = None  # how the job ends, if this run was the last of it
    job_pauses: bool = False
    polled: Polled | None = None
    polled_anew_at: datetime | None = None  # when another run polls in place of this one
    gave_up: str | None = None  # why a poll that failed is not tried again, though its retries are not used up

    @property
    def next_poll_at(self) -> datetime | None:
        """Returns the instant of the poll that follows; None if none does."""
        return self.polled_anew_at if self.polled is None else self.polled.next_at

    @property
    def end_reason(self) -> str | None:
        """Returns why the job stops polling though it is not done; None if it goes on, or ends for another reason."""
        return self.gave_up if self.polled is None else self.polled.stopped


def succeed(
    facts: Facts,
    poll: PollAnswer | None,
    now: datetime,
    *,
    result: Any,
    note: str | None = None,
    **details: Any,
) -> Ending:
    """Complete a run, and its job if this was the last of it; a poll that is not done is followed by the next.

    `note` says which part of the outcome could not be stored.
    """
    changes = _ended(facts, RunStatus.COMPLETED, now) | {"error_type": None, "error_message": None, "reason": None}
    changes |= {"result": result, "progress": None, "message": note}
    if poll is not None:
        changes |= {"progress": poll.progress, "message": note or poll.message}
    polled = None if poll is None else _after_poll(facts, poll, now)
    attempt = _closed(Outcome.SUCCEEDED, now, **details)
    return Ending(attempt, changes, job_ends=polls.end_of_job(polled), polled=polled)


def fail(
    facts: Facts,
    error: AttemptError,
    decision: RetryDecision,
    now: datetime,
    *,
    answer: str | None,
    result: Any = None,
) -> Ending:
    """Fail an attempt, and retry the run later or end it, as was decided."""
    fault = {
        "error_type": "permanent" if error.permanent else "transient",
        "error_message": storable.text(error.message, MESSAGE_KEPT),
    }
    return _again_or_end(
        facts,
        decision,
        now,
        attempt=_closed(Outcome.FAILED, now, **fault, status_code=error.status_code, answer=answer),
        changes={"failure_count": facts.failure_count + 1, "result": result, **fault},
        job_pauses=error.status_code == GONE and facts.job_state is JobState.ACTIVE,
    )


def lose(facts: Facts, decision: RetryDecision, now: datetime) -> Ending:
    """End an attempt whose worker died or lost its lease, and retry the run or end it."""
    losses = facts.loss_count + 1
    message = _LOST if decision.wait_seconds is not None else _LOST_FOR_GOOD.format(losses=losses)
    return _again_or_end(
        facts,
        decision,
        now,
        attempt=_closed(Outcome.LOST, now, error_type="lost", error_message=_LOST),
        changes={"loss_count": losses, "fence": facts.fence + 1, "error_type": "lost", "error_message": message},
    )


def release(facts: Facts, now: datetime, held_by: Hold | None = None, *, why: str | None = None) -> Ending:
    """Hand a run back: due again at once, held as its job is; nothing is counted against it. The attempt keeps why.

    A poll whose state was rewound meanwhile is replaced by a new one that is due at once.
    """
    attempt = _closed(Outcome.RELEASED, now, error_message=why)
    if facts.job_state in ENDED:
        return Ending(attempt, _ended(facts, RunStatus.CANCELLED, now) | {"reason": JOB_ENDED})
    if _is_too_late(facts):
        return Ending(attempt, _dropped(facts, now), job_ends=JobState.FAILED)
    if facts.is_rewound:
        return _polled_anew(facts, now, now, attempt=attempt, changes={})
    return Ending(attempt, {"status": RunStatus.QUEUED, "held_by": held_by, **_NOTHING_REPORTED})


def cancel(facts: Facts, outcome: Outcome, now: datetime) -> Ending:
    """End a running run that someone cancelled."""
    changes = _ended(facts, RunStatus.CANCELLED, now) | {"fence": facts.fence + 1, **_CANCELLED}
    return Ending(_closed(outcome, now, **_CANCELLED), changes, job_ends=JobState.CANCELLED)


def health_event(facts: Facts, ending: Ending) -> HealthEvent:
    """Returns what an ending means for alerts: a recurring job counts its runs, any other its attempts."""
    outcome = ending.attempt["outcome"]
    has_failed = ending.changes["status"] == RunStatus.FAILED if facts.job_recurs else outcome == Outcome.FAILED
    succeeded = True if outcome == Outcome.SUCCEEDED else False if has_failed else None
    missed = facts.deadline_missed_at is not None or "deadline_missed_at" in ending.changes
    late = missed or facts.late_at is not None
    return HealthEvent(succeeded, late=late, words=ending.changes.get("error_message"))


def _after_poll(facts: Facts, poll: PollAnswer, now: datetime) -> Polled:
    goes_on = facts.cancel_requested_at is None and facts.job_state not in ENDED
    return polls.after(facts.polling, poll, facts.polling_version, now, last=facts.scheduled_for, goes_on=goes_on)


def _again_or_end(facts: Facts, decision: RetryDecision, now: datetime, **parts: Any) -> Ending:
    changes = parts.pop("changes")
    if decision.wait_seconds is None or facts.cancel_requested_at is not None:
        cancelled = facts.cancel_requested_at is not None
        status = RunStatus.CANCELLED if cancelled else RunStatus.FAILED
        job_ends = JobState.CANCELLED if cancelled else JobState.FAILED
        return Ending(changes=_ended(facts, status, now) | changes, job_ends=job_ends, **parts)
    if facts.job_state in ENDED:  # it was deleted, for example
        failed = _ended(facts, RunStatus.FAILED, now) | {"reason": JOB_ENDED}
        return Ending(changes=failed | changes, **parts)
    if _is_too_late(facts):
        return Ending(changes=_dropped(facts, now) | changes, job_ends=JobState.FAILED, **parts)
    retry = polls.retry(facts.polling, decision, now)
    if retry.at is None:
        failed = _ended(facts, RunStatus.FAILED, now) | {"reason": retry.gave_up}
        return Ending(changes=failed | changes, job_ends=JobState.FAILED, gave_up=retry.gave_up, **parts)
    if facts.is_rewound:
        return _polled_anew(facts, retry.at, now, changes=changes, **parts)
    again = {"status": RunStatus.RETRYING, "due_at": retry.at, **_NOTHING_REPORTED}
    return Ending(changes={**again, **changes}, retry_at=retry.at, **parts)


def _polled_anew(facts: Facts, at: datetime, now: datetime, *, changes: Mapping[str, Any], **parts: Any) -> Ending:
    """End a poll instead of retrying it, and poll in a new run: no idempotency key is sent with two states."""
    ended = _ended(facts, RunStatus.CANCELLED, now) | {"reason": polls.REWOUND}
    return Ending(changes={**ended, **changes}, polled_anew_at=polls.instant_after(facts.scheduled_for, at), **parts)


def _is_too_late(facts: Facts) -> bool:
    """Whether a run expired while it ran: no worker may claim it again, and its deadline is recorded already."""
    return facts.expire and facts.deadline_missed_at is not None


def _dropped(facts: Facts, now: datetime) -> dict[str, Any]:
    return _ended(facts, RunStatus.FAILED, now) | {"reason": TOO_LATE}


def _ended(facts: Facts, status: RunStatus, now: datetime) -> dict[str, Any]:
    ended = {"status": status, "finished_at": now}
    in_time = facts.deadline_at is None or now <= facts.deadline_at or facts.deadline_missed_at is not None
    return ended if in_time else {**ended, "deadline_missed_at": now}


def _closed(outcome: Outcome, now: datetime, **details: Any) -> dict[str, Any]:
    return {"outcome": outcome, "finished_at": now, **details}
