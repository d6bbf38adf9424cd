"""Which of a schedule's occurrences run, and which were missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LATE_AFTER = timedelta(seconds=60)
CATCH_UP_WINDOW = timedelta(hours=24)
ROWS_FOR_A_GAP = 1_000


@dataclass(frozen=True)
class Occurrences:
    """Occurrences to run, in order; and those missed, each with how many it stands for."""

    to_run: tuple[datetime, ...]
    missed: tuple[tuple[datetime, int], ...]


def sort_out(instants: Sequence[datetime], now: datetime, *, more_follow: bool = False) -> Occurrences:
    """Part occurrences planned in time from those planned more than 60 s late, of which the newest runs.

    One older than 24 h is not caught up. More than 1,000 missed ones become one, with their count. Where `more_follow`
    and all of these are late, the newest is not among them.
    """
    late = [instant for instant in instants if instant < now - LATE_AFTER]
    in_time = tuple(instants[len(late) :])
    if not late or late[-1] < now - CATCH_UP_WINDOW or (more_follow and not in_time):
        return Occurrences(in_time, _gap(late))
    return Occurrences((late[-1], *in_time), _gap(late[:-1]))


def _gap(missed: Sequence[datetime]) -> tuple[tuple[datetime, int], ...]:
    if len(missed) > ROWS_FOR_A_GAP:
        return ((missed[0], len(missed)),)
    return tuple((instant, 1) for instant in missed)
