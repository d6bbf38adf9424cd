"""The life of a run, from the instant it was for to its end: what happened when, and where its time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.states import Hold, Outcome, RunStatus
from pages import words
from services.reading.explaining.holds import HoldView
from services.reading.views import AttemptView, RunView

HELD: dict[Hold, str] = {
    Hold.PAUSED: "paused",
    Hold.OVERLAP: "run before it",
    Hold.RATE_LIMIT: "its rate",
    Hold.CONCURRENCY: "no place",
    Hold.DESTINATION: "its receiver",
    Hold.RESTORED: "taken back",
}
"""What holds a run, in a word or two that fit beside a bar."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a run, or will; `runs` are others that it is about."""

    at: datetime
    text: str
    detail: str = ""
    runs: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Span:
    """A stretch of a run's time: what it was spent with, as a word and as a class of the style sheet."""

    kind: str
    label: str
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def events(
    run: RunView, attempts: Sequence[AttemptView], holds: Sequence[HoldView], next_at: datetime | None = None
) -> list[Event]:
    """Returns what happened to a run, in order, and when it is called next, where that is known."""
    found = [Event(run.scheduled_for, "planned for this instant", words.TRIGGERS.get(run.trigger, run.trigger))]
    if run.due_at != run.scheduled_for and not attempts:
        found.append(Event(run.due_at, "due"))
    for held in holds:
        found.extend(_of_hold(held))
    for one in attempts:
        found.extend(_of_attempt(one))
    if run.status == RunStatus.RETRYING:
        found.append(Event(next_at or run.due_at, "to be tried again", "after the backoff"))
    elif run.held_by is not None and next_at is not None:
        found.append(Event(next_at, "to be called", f"waits {words.HOLDS.get(run.held_by, run.held_by)}"))
    if run.deadline_missed_at is not None:
        found.append(Event(run.deadline_missed_at, "its deadline passed"))
    if run.finished_at is not None:
        found.append(Event(run.finished_at, f"ended: {run.status}", run.reason or ""))
    return sorted(found, key=lambda event: event.at)


def spans(run: RunView, attempts: Sequence[AttemptView], holds: Sequence[HoldView], now: datetime) -> list[Span]:
    """Returns where a run's time went, in order; what lasts ends now."""
    if not attempts:
        return _waiting("waiting", run.due_at, run.finished_at or now, holds)
    first = run.due_at if run.attempt_count == 1 and run.due_at <= attempts[0].started_at else run.scheduled_for
    found = _waiting("waiting", first, attempts[0].started_at, holds)
    for one, following in zip(attempts, [*attempts[1:], None], strict=True):
        ended = one.finished_at or now
        found.append(Span(one.outcome or "running", f"attempt {one.number}", one.started_at, ended))
        if following is not None:
            found.extend(_waiting(_pause_after(one), ended, following.started_at, holds))
    last = attempts[-1].finished_at
    if run.status == RunStatus.RETRYING and last is not None:
        found.append(Span("backoff", "backoff", last, max(now, run.due_at)))
    elif run.status == RunStatus.QUEUED and last is not None:
        found.extend(_waiting(_pause_after(attempts[-1]), last, now, holds))
    return found


def _waiting(kind: str, start: datetime, end: datetime, holds: Sequence[HoldView]) -> list[Span]:
    """Returns a stretch of waiting, with the times in it in which the run was held as stretches of their own."""
    found: list[Span] = []
    for one in holds:
        since, until = max(one.since, start), min(one.until or end, end)
        if since >= until:
            continue
        if start < since:
            found.append(Span(kind, kind, start, since))
        found.append(Span("held", HELD[one.held_by], since, until))
        start = until
    return [*found, Span(kind, kind, start, end)] if start < end else found


def _of_hold(one: HoldView) -> Iterator[Event]:
    which = one.pause or one.key
    why = words.HOLDS[one.held_by] + (f": {which}" if which else "")
    yield Event(one.since, "held", f"{why}, behind" if one.holders else why, one.holders)
    if one.until is not None:
        yield Event(one.until, "held no longer", words.HOLDS[one.held_by])


def _of_attempt(one: AttemptView) -> Iterator[Event]:
    yield Event(one.started_at, f"attempt {one.number} begun", f"by worker {str(one.worker_id)[-12:]}")
    if one.finished_at is None:
        return
    answer = f"HTTP {one.status_code}" if one.status_code is not None else ""
    told = ": ".join(part for part in (answer, one.error_message or "") if part)
    yield Event(one.finished_at, f"attempt {one.number} {words.OUTCOMES[one.outcome]}", told)


def _pause_after(one: AttemptView) -> str:
    return "waiting" if one.outcome == Outcome.RELEASED else "backoff"
