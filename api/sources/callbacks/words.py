"""000: its words for statuses."""

from __future__ import annotations

from typing import Literal

from core.states import JobStatus
from services.reading.views import JobWithLog

PAUSED_RATE_LIMITED: Literal["paused_rate_limited"] = "paused_rate_limited"
"""The status of a job whose run is due and waits for a permit of its account; not one of our own words."""


def status_word(found: JobWithLog) -> JobStatus | Literal["paused_rate_limited"]:
    """Returns the word for a status: retrying is shown as running; waiting for a permit has its own word."""
    if found.job.status is not JobStatus.QUEUED:
        return found.job.status
    if found.retrying:
        return JobStatus.RUNNING
    return PAUSED_RATE_LIMITED if found.rate_limited else JobStatus.QUEUED
