"""Decide when a job's owner is alerted: once it has failed so often in a row, and once it did not run when due.

An owner is alerted once until the job recovers: a success resets both the count of failures and the lateness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

FAILURES_IN_ROW = 5


class AlertKind(StrEnum):
    """The kinds of alert."""

    FAILING = "failing"
    LATE = "late"


@dataclass(frozen=True)
class Happening:
    """The end of an attempt or of a run, or that a job is late; `well` is None for neither success nor failure."""

    well: bool | None
    late: bool = False
    words: str | None = None  # why it failed

    def uncounted(self) -> Happening:
        """Returns this as neither success nor failure."""
        return replace(self, well=None)


@dataclass(frozen=True)
class Condition:
    """A job's condition: its failures in a row, and since when it has been late."""

    failures_in_row: int = 0
    late_since: datetime | None = None


@dataclass(frozen=True)
class Alert:
    """An alert to be sent to the owner."""

    kind: AlertKind
    failures: int = 0
    words: str | None = None


def judge(condition: Condition, happenings: Sequence[Happening], now: datetime) -> tuple[Condition, list[Alert]]:
    """Returns the job's condition after what happened, in this order, and the alerts that it raises."""
    alerts = []
    for one in happenings:
        following = _after(condition, one, now)
        if condition.failures_in_row < FAILURES_IN_ROW <= following.failures_in_row:
            alerts.append(Alert(AlertKind.FAILING, following.failures_in_row, one.words))
        if condition.late_since is None and following.late_since is not None:
            alerts.append(Alert(AlertKind.LATE, words=one.words))
        condition = following
    return condition, alerts


def _after(condition: Condition, one: Happening, now: datetime) -> Condition:
    late_since = None if one.well else condition.late_since
    if one.late:
        late_since = condition.late_since or now
    if one.well is None:
        return Condition(condition.failures_in_row, late_since)
    return Condition(0 if one.well else condition.failures_in_row + 1, late_since)
