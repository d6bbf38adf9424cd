"""What 001 calls the members of a job: they stand besides ours wherever a job is shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core import schedules
from services.reading.views import JobView

FIELDS = (
    "job_type",
    "parameters",
    "retries",
    "result",
    "schedule_type",
    "scheduled_time",
    "frequency",
    "file_url",
)


def of(view: JobView) -> dict[str, Any]:
    """The aliases."""
    result = None if view.last_run is None else view.last_run.result
    return {
        "job_type": view.task_type,
        "parameters": view.data or {},
        "retries": 0 if view.last_run is None else view.last_run.failure_count,
        "result": result,
        "schedule_type": _schedule_type(view.schedule),
        "scheduled_time": scheduled_time(view),
        "frequency": view.schedule.frequency if isinstance(view.schedule, schedules.Interval) else None,
        "file_url": result.get("file_url") if isinstance(result, dict) else None,
    }


def scheduled_time(view: JobView) -> datetime | None:
    """The instant that a job is, or begins to be, scheduled for; None where its schedule names none."""
    match view.schedule:
        case schedules.RunAt():
            return view.schedule.at
        case schedules.DelayFromNow():
            return view.created_at + timedelta(seconds=view.schedule.duration_seconds)
        case schedules.Cron() | schedules.Interval():
            return view.schedule.starts_at
        case _:
            return None


def _schedule_type(schedule: schedules.Schedule) -> str:
    match schedule:
        case schedules.RunAt() | schedules.DelayFromNow():
            return "scheduled"
        case _:
            return schedule.kind
