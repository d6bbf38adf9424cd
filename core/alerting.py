"""Decide when a job's owner is alerted: once it has failed so often in a row, and once it did not run when due.

An owner is alerted once until the job recovers: a success resets both the count of failures and the lateness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

FAILURES_IN_ROW = 5


class AlertKind(StrEnum):
    """The kinds of alert."""

    FAILING = "failing"
    LATE = "late"


@dataclass(frozen=True)
class HealthEvent:
    """The end of an attempt or of a run, or that a job is late; `succeeded` is None for neither success nor failure."""

    succeeded: bool | None
    late: bool = False
    words: str | None = None  # why it failed

    def uncounted(self) -> HealthEvent:
        """Returns this as neither success nor failure."""
        return replace(self, succeeded=None)


@dataclass(frozen=True)
class Condition:
    """A job's condition: its failures in a row, and since when it has been late."""

    failures_in_row: int = 0
    late_since: datetime | None = None


class WatchedJob(Protocol):
    """The part of a job by which it is judged."""

    @property
    def failures_in_row(self) -> int: ...
    @property
    def late_since(self) -> datetime | None: ...
    @property
    def deleted_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Alert:
    """An alert to be sent to the owner."""

    kind: AlertKind
    failures: int = 0
    words: str | None = None


def judge(condition: Condition, events: Sequence[HealthEvent], now: datetime) -> tuple[Condition, list[Alert]]:
    """Returns the job's condition after what happened, in this order, and the alerts that it raises."""
    alerts = []
    for one in events:
        following = _after(condition, one, now)
        if condition.failures_in_row < FAILURES_IN_ROW <= following.failures_in_row:
            alerts.append(Alert(AlertKind.FAILING, following.failures_in_row, one.words))
        if condition.late_since is None and following.late_since is not None:
            alerts.append(Alert(AlertKind.LATE, words=one.words))
        condition = following
    return condition, alerts


def judge_job(job: WatchedJob, events: Sequence[HealthEvent], now: datetime) -> tuple[Condition, Sequence[Alert], bool]:
    """Returns what `judge` does for a job, and whether its condition changes; a deleted job raises no alerts."""
    before = Condition(job.failures_in_row, job.late_since)
    condition, alerts = judge(before, events, now)
    return condition, alerts if job.deleted_at is None else (), condition != before


def _after(condition: Condition, one: HealthEvent, now: datetime) -> Condition:
    late_since = None if one.succeeded else condition.late_since
    if one.late:
        late_since = condition.late_since or now
    if one.succeeded is None:
        return Condition(condition.failures_in_row, late_since)
    return Condition(0 if one.succeeded else condition.failures_in_row + 1, late_since)
