"""What became of an occurrence that has come, in one word."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from core.states import RunStatus


class Became(StrEnum):
    """What may have become of an occurrence."""

    FIRED = "fired"
    LATE = "late"  # it fired, after LATE_SECONDS or caught up
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"
    CANCELLED = "cancelled"
    UNDER_WAY = "under_way"  # it is not over


_ENDS = {
    RunStatus.FAILED: Became.FAILED,
    RunStatus.SKIPPED: Became.SKIPPED,
    RunStatus.MISSED: Became.MISSED,
    RunStatus.CANCELLED: Became.CANCELLED,
}


def became(status: RunStatus, late_at: datetime | None) -> Became:
    """Returns what became of the occurrence of a run in a status; `late_at` is when it was found to be late."""
    if status is RunStatus.COMPLETED:
        return Became.FIRED if late_at is None else Became.LATE
    return _ENDS.get(status, Became.UNDER_WAY)
