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
class Event:
    """The end of an attempt or of a run; `well` is None where it is neither success nor failure."""

    well: bool | None
    late: bool = False
    words: str | None = None  # why it failed

    def uncounted(self) -> Event:
        """Returns the event as one that is neither success nor failure."""
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


def judge(condition: Condition, events: Sequence[Event], now: datetime) -> tuple[Condition, list[Alert]]:
    """Returns the job's condition after these events, in their order, and the alerts that they raise."""
    alerts = []
    for event in events:
        following = _after(condition, event, now)
        if condition.failures_in_row < FAILURES_IN_ROW <= following.failures_in_row:
            alerts.append(Alert(AlertKind.FAILING, following.failures_in_row, event.words))
        if condition.late_since is None and following.late_since is not None:
            alerts.append(Alert(AlertKind.LATE, words=event.words))
        condition = following
    return condition, alerts


def _after(condition: Condition, event: Event, now: datetime) -> Condition:
    late_since = None if event.well else condition.late_since
    if event.late:
        late_since = condition.late_since or now
    if event.well is None:
        return Condition(condition.failures_in_row, late_since)
    return Condition(0 if event.well else condition.failures_in_row + 1, late_since)
