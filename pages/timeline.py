"""The life of a run, from the instant it was for to its end: what happened when, and where its time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.states import Outcome, RunStatus
from pages import words
from services.reading.views import AttemptView, RunView


@dataclass(frozen=True)
class Event:
    """Something that happened to a run, or will."""

    at: datetime
    text: str
    detail: str = ""


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


def events(run: RunView, attempts: Sequence[AttemptView]) -> list[Event]:
    """Returns what happened to a run, in order."""
    found = [Event(run.scheduled_for, "planned for this instant", words.TRIGGERS.get(run.trigger, run.trigger))]
    if run.due_at != run.scheduled_for and not attempts:
        found.append(Event(run.due_at, "due"))
    for one in attempts:
        found.extend(_of_attempt(one))
    if run.status == RunStatus.RETRYING:
        found.append(Event(run.due_at, "to be tried again", "after the backoff"))
    if run.held_by is not None and run.held_until is not None:
        found.append(Event(run.held_until, "looked at again", words.HOLDS.get(run.held_by, run.held_by)))
    if run.deadline_missed_at is not None:
        found.append(Event(run.deadline_missed_at, "its deadline passed"))
    if run.finished_at is not None:
        found.append(Event(run.finished_at, f"ended: {run.status}", run.reason or ""))
    return sorted(found, key=lambda event: event.at)


def spans(run: RunView, attempts: Sequence[AttemptView], now: datetime) -> list[Span]:
    """Returns where a run's time went, in order; what lasts ends now."""
    if not attempts:
        return _before_any(run, now)
    first = run.due_at if run.attempt_count == 1 and run.due_at <= attempts[0].started_at else run.scheduled_for
    found = [Span("waiting", "waiting", first, attempts[0].started_at)] if first < attempts[0].started_at else []
    for one, following in zip(attempts, [*attempts[1:], None], strict=True):
        ended = one.finished_at or now
        found.append(Span(one.outcome or "running", f"attempt {one.number}", one.started_at, ended))
        if following is not None:
            found.append(Span("backoff", _pause_after(one), ended, following.started_at))
    if run.status == RunStatus.RETRYING and attempts[-1].finished_at is not None:
        found.append(Span("backoff", "backoff", attempts[-1].finished_at, max(now, run.due_at)))
    return found


def _before_any(run: RunView, now: datetime) -> list[Span]:
    end = run.finished_at or now
    if run.due_at >= end:
        return []
    kind = "waiting" if run.held_by is None else "held"
    label = "waiting" if run.held_by is None else words.HOLDS.get(run.held_by, run.held_by)
    return [Span(kind, label, run.due_at, end)]


def _of_attempt(one: AttemptView) -> Iterator[Event]:
    yield Event(one.started_at, f"attempt {one.number} begun", f"by worker {str(one.worker_id)[-12:]}")
    if one.finished_at is None:
        return
    answer = f"HTTP {one.status_code}" if one.status_code is not None else ""
    told = ": ".join(part for part in (answer, one.error_message or "") if part)
    yield Event(one.finished_at, f"attempt {one.number} {words.OUTCOMES[one.outcome]}", told)


def _pause_after(one: AttemptView) -> str:
    return "waiting" if one.outcome == Outcome.RELEASED else "backoff"
