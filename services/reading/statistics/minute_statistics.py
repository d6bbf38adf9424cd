"""Figures of minutes: what happened in each minute that has passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from core.figures import MINUTE, minutes_between, percentile, whole_minute
from core.principals import Principal
from core.states import Hold, RunStatus
from models import database, statistics
from services.reading.views import view_of
from services.system import System

MAX_READ_LIVE = 3
_HALF, _MOST = 0.5, 0.95


@dataclass(frozen=True)
class MinuteFigures:
    """What happened in the minute that begins at `minute`.

    `started`, `completed` and `failed` count runs, each once. `waiting` is how many were due when the minute ended and
    had not begun, held ones included; `held` says how many of them each reason held. `lateness_p95_seconds` is about
    the runs that began in the minute and were never retried: 95 of 100 began no later than this, and half of them no
    later than `lateness_p50_seconds`; None without such runs.
    """

    is_known: ClassVar[bool] = True

    minute: datetime
    started: int = 0
    completed: int = 0
    failed: int = 0
    waiting: int = 0
    lateness_p50_seconds: float | None = None
    lateness_p95_seconds: float | None = None
    held: Mapping[Hold, int] = field(default_factory=dict)


class UnknownMinute(MinuteFigures):
    """A minute that has not been summed up: its zeros say nothing."""

    is_known = False


def series(principal: Principal, system: System, minutes: int) -> list[MinuteFigures]:
    """Returns the figures of each of the last complete minutes, oldest first.

    The newest few that have not been summed up yet are read from the rows; earlier ones are unknown until they are.
    Before the first run nothing happened.
    """
    principal.expect_administration()
    end = whole_minute(system.clock.now())
    wanted = minutes_between(end - minutes * MINUTE, end)
    with database.reading():
        held = statistics.minute_holds(wanted[0])
        known = {
            row.minute: view_of(MinuteFigures, row, held=held.get(row.minute, {}))
            for row in statistics.minutes(wanted[0])
        }
        known |= {minute: of_minute(minute) for minute in wanted[-MAX_READ_LIVE:] if minute not in known}
        first = statistics.first_run_made_at()
    empty = {minute: MinuteFigures(minute) for minute in wanted if first is None or minute < whole_minute(first)}
    known = empty | known
    return [known.get(minute) or UnknownMinute(minute) for minute in wanted]


def current(principal: Principal, system: System) -> MinuteFigures:
    """Returns how many runs have ended in the minute that has begun; its other figures come once it has passed.

    Raises `Forbidden` unless for administrators.
    """
    principal.expect_administration()
    minute = whole_minute(system.clock.now())
    with database.reading():
        ended = statistics.ended_within(minute, minute + MINUTE)
    return MinuteFigures(minute, completed=ended.get(RunStatus.COMPLETED, 0), failed=ended.get(RunStatus.FAILED, 0))


def of_minute(minute: datetime) -> MinuteFigures:
    """Returns the figures of a minute, read from the rows in the caller's transaction."""
    end = minute + MINUTE
    ended = statistics.ended_within(minute, end)
    starts = statistics.starts_within(minute, end)
    waits = statistics.waiting_before(end)
    late = [max(0.0, (began - due).total_seconds()) for due, began, repeats in starts if repeats == 0]
    return MinuteFigures(
        minute=minute,
        started=len(starts),
        completed=ended.get(RunStatus.COMPLETED, 0),
        failed=ended.get(RunStatus.FAILED, 0),
        waiting=sum(waits.values()),
        lateness_p50_seconds=_rounded(percentile(late, _HALF)),
        lateness_p95_seconds=_rounded(percentile(late, _MOST)),
        held={hold: count for hold, count in waits.items() if hold is not None},
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
