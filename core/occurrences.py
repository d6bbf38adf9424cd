"""Catch-up: which of a schedule's occurrences run, and which count as missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp

MISSED_AFTER = timedelta(seconds=60)
ROWS_FOR_A_GAP = 1_000

SUPERSEDED = "late: a newer one was caught up in its place"
NOT_CAUGHT_UP = "late: not caught up, as catch_up says"
OUT_OF_WINDOW = "late: older than catch_up_window_seconds"


@dataclass(frozen=True)
class Missed:
    """An occurrence that was planned too late to run, or several from this one on, and the reason."""

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
    """Which late occurrences still run, and how late one may be at most."""

    catch_up: CatchUp = CatchUp.LATEST
    window_seconds: float = CATCH_UP_WINDOW_SECONDS


def sort_out(
    instants: Sequence[datetime], now: datetime, policy: CatchUpPolicy, *, more_follow: bool = False
) -> Occurrences:
    """Separate occurrences planned in time from those more than 60 s late, which the policy decides about.

    More than 1,000 missed in a row for one reason become one, with their count. If `more_follow` and all of these
    are late, the newest of all is not among them.
    """
    late = [instant for instant in instants if instant < now - MISSED_AFTER]
    in_time = tuple(instants[len(late) :])
    window_begins = now - timedelta(seconds=policy.window_seconds)
    too_old = [instant for instant in late if instant < window_begins]
    recent = late[len(too_old) :]
    caught_up = _caught_up(recent, policy.catch_up, newest_is_here=not more_follow or bool(in_time))
    reason = NOT_CAUGHT_UP if policy.catch_up is CatchUp.SKIP else SUPERSEDED
    left = recent[: len(recent) - len(caught_up)]
    return Occurrences((*caught_up, *in_time), (*_gap(too_old, OUT_OF_WINDOW), *_gap(left, reason)))


def _caught_up(recent: Sequence[datetime], catch_up: CatchUp, *, newest_is_here: bool) -> Sequence[datetime]:
    """Returns the late occurrences within the window that still run: the end of the list."""
    match catch_up:
        case CatchUp.ALL:
            return recent
        case CatchUp.LATEST if newest_is_here:
            return recent[-1:]
        case _:
            return ()


def _gap(missed: Sequence[datetime], reason: str) -> tuple[Missed, ...]:
    if len(missed) > ROWS_FOR_A_GAP:
        return (Missed(missed[0], reason, len(missed)),)
    return tuple(Missed(instant, reason) for instant in missed)
