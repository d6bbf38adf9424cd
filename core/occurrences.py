"""Catch-up: which of a schedule's occurrences run, and which count as missed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp

MISSED_AFTER = timedelta(seconds=60)
ROWS_FOR_A_GAP = 1_000

DueAt = Callable[[datetime], datetime]
"""Returns when the occurrence of a nominal instant is due: then, or with jitter later."""

SUPERSEDED = "late: a newer one was caught up in its place"
NOT_CAUGHT_UP = "late: not caught up, as catch_up says"
OUT_OF_WINDOW = "late: older than catch_up_window_seconds"


@dataclass(frozen=True)
class Missed:
    """An occurrence that was planned too late to run, or several beginning with it, and the reason."""

    instant: datetime
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Occurrences:
    """Occurrences to run, in order; and those missed."""

    to_run: tuple[datetime, ...]
    missed: tuple[Missed, ...]


@dataclass(frozen=True)
class CatchUpPolicy:
    """Which late occurrences still run, and how late they may be at most."""

    catch_up: CatchUp = CatchUp.LATEST
    window_seconds: float = CATCH_UP_WINDOW_SECONDS


def sort_out(
    instants: Sequence[datetime],
    due_at: DueAt,
    now: datetime,
    policy: CatchUpPolicy,
    *,
    following: Iterable[datetime] = (),
) -> Occurrences:
    """Separate occurrences planned in time from those more than 60 s late, which the policy decides about.

    How late one is counts from the instant at which it is due, jitter added. The newest is the one with the latest
    nominal instant. More than 1,000 missed in a row for one reason become one, with their count. `following` are later
    occurrences, in order: if one of them may be caught up, the newest of all is not among these.
    """
    lateness = _Lateness(due_at, now, policy.window_seconds)
    caught_up = _caught_up([one for one in instants if lateness.is_recent(one)], policy.catch_up, lateness, following)
    not_caught_up = NOT_CAUGHT_UP if policy.catch_up is CatchUp.SKIP else SUPERSEDED

    def reason(instant: datetime) -> str | None:
        if instant in caught_up or not lateness.is_late(instant):
            return None
        return not_caught_up if lateness.is_recent(instant) else OUT_OF_WINDOW

    to_run: list[datetime] = []
    missed: list[Missed] = []
    for missed_for, stretch in groupby(instants, reason):
        if missed_for is None:
            to_run += stretch
        else:
            missed += _gap(list(stretch), missed_for)
    return Occurrences(tuple(to_run), tuple(missed))


@dataclass(frozen=True)
class _Lateness:
    """How late occurrences are at an instant."""

    due_at: DueAt
    now: datetime
    window_seconds: float

    def is_late(self, instant: datetime) -> bool:
        """Whether an occurrence is more than 60 s late."""
        return self.due_at(instant) < self.now - MISSED_AFTER

    def is_recent(self, instant: datetime) -> bool:
        """Whether an occurrence is late and may still be caught up."""
        return self.now - timedelta(seconds=self.window_seconds) <= self.due_at(instant) < self.now - MISSED_AFTER


def _caught_up(
    recent: Sequence[datetime], catch_up: CatchUp, lateness: _Lateness, following: Iterable[datetime]
) -> frozenset[datetime]:
    """Returns the late occurrences within the window that still run."""
    match catch_up:
        case CatchUp.ALL:
            return frozenset(recent)
        case CatchUp.LATEST if recent and not any(lateness.is_recent(one) for one in following):
            return frozenset(recent[-1:])
        case _:
            return frozenset()


def _gap(missed: Sequence[datetime], reason: str) -> list[Missed]:
    if len(missed) > ROWS_FOR_A_GAP:
        return [Missed(missed[0], reason, len(missed))]
    return [Missed(instant, reason) for instant in missed]
