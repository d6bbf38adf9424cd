"""Decide what follows a poll: a good answer advances the state; another follows unless there is reason to stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.receiver_answers import PollAnswer
from core.retry import RetryDecision
from core.schedules import Polling, Schedule
from core.states import JobState

REWOUND = "the polling state was rewound"

_NEXT_INSTANT = timedelta(microseconds=1)  # two polls have two instants, even if the clock stands still
_UNREADABLE = "its schedule can no longer be read, so no poll follows"


@dataclass(frozen=True)
class PollingFacts:
    """The facts that decide whether a job polls on; `schedule` is None if it can no longer be read."""

    schedule: Schedule | None
    state: dict[str, Any] | None
    version: int
    polls: int
    since: datetime


@dataclass(frozen=True)
class Polled:
    """The consequences of a successful poll: the new state, the version that it replaces, and the next poll."""

    state: dict[str, Any] | None
    from_version: int
    next_at: datetime | None = None
    stopped: str | None = None
    is_done: bool = False


@dataclass(frozen=True)
class Retry:
    """When another attempt follows; `at` is None if its job gives up, and `gave_up` says why."""

    at: datetime | None
    gave_up: str | None = None


def instant_after(last: datetime, at: datetime) -> datetime:
    """Returns the instant of a poll that is to come at `at`, after the poll of the instant `last`."""
    return max(at, last + _NEXT_INSTANT)


def after(
    facts: PollingFacts, poll: PollAnswer, from_version: int, now: datetime, *, last: datetime, goes_on: bool
) -> Polled:
    """Decide what follows the poll of the instant `last`; `goes_on` unless run or job were ended meanwhile."""
    state = facts.state if poll.polling_state is None else poll.polling_state
    is_newest = from_version == facts.version  # else it was rewound meanwhile
    if poll.done and is_newest:
        return Polled(state, from_version, is_done=True)
    if not goes_on:
        return Polled(state, from_version)
    if facts.schedule is None:
        return Polled(state, from_version, stopped=_UNREADABLE)
    if not isinstance(facts.schedule, Polling):
        return Polled(state, from_version)
    next_at = instant_after(last, facts.schedule.next_after_poll(now, poll.next_in_seconds))
    stopped = facts.schedule.reason_to_stop(facts.polls + 1, facts.since, next_at)
    if stopped is not None:
        return Polled(state, from_version, stopped=stopped)
    return Polled(state, from_version, next_at=next_at)


def retry(facts: PollingFacts, decision: RetryDecision, now: datetime) -> Retry:
    """Decide when another attempt follows one that did not succeed: after the wait decided, or when its job gives up.

    A wait that would last longer ends at that instant, so that one failure does not fail a job long before its time,
    however long the backoff is. But a receiver is not called sooner than it asked.
    """
    retry_at = now + timedelta(seconds=decision.wait_seconds or 0.0)
    if not isinstance(facts.schedule, Polling):
        return Retry(retry_at)
    last = facts.schedule.gives_up_at(facts.since)
    if last is None or retry_at <= last:
        return Retry(retry_at)
    if now < last and now + timedelta(seconds=decision.least_seconds) <= last:
        return Retry(last)
    return Retry(None, facts.schedule.reason_to_give_up)


def end_of_job(polled: Polled | None) -> JobState | None:
    """Returns how a job ends after a successful run; None if it goes on."""
    if polled is None:
        return JobState.COMPLETED
    if polled.next_at is not None:
        return None
    if polled.stopped is not None:
        return JobState.FAILED
    return JobState.COMPLETED if polled.is_done else JobState.CANCELLED
