"""001: its words for a job's members and statuses, which are shown beside ours wherever a job is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.sources.source import Source, plain_status
from api.sources.translating import scheduled_time
from core import built_in_apps, schedules
from core.filters import JobFilter, StatusesOfApp
from core.states import JobStatus
from services.reading.views import JobView

SOURCE = Source(built_in_apps.DEFAULT, ("/api/jobs",))
FIELDS = {"data": "parameters", "task_type": "job_type"}


def status_in_lists(app_name: str, status: JobStatus) -> JobStatus:
    """Returns the status by which `/api/jobs` shows and finds a job: 001's word for jobs of its app, else ours."""
    return plain_status(status) if app_name == SOURCE.app_name else status


def as_shown(wanted: JobFilter) -> JobFilter:
    """Returns the filter that finds the jobs of `/api/jobs` by the status that each is shown with."""
    meant = tuple(status for status in JobStatus if status_in_lists(SOURCE.app_name, status) is wanted.status)
    if wanted.status is None or meant == (wanted.status,):
        return wanted
    return replace(wanted, status_but=StatusesOfApp(SOURCE.app_name, meant))


def aliases(view: JobView) -> dict[str, Any]:
    """Returns the members of a job by their names in 001."""
    result = None if view.last_run is None else view.last_run.result
    return {
        "job_type": view.task_type,
        "parameters": view.data or {},
        "retries": 0 if view.last_run is None else view.last_run.failure_count,
        "result": result,
        "schedule_type": _schedule_type(view.schedule),
        "scheduled_time": scheduled_time(view),
        "frequency": view.schedule.frequency if isinstance(view.schedule, schedules.Interval) else None,
        "file_url": _file_url(result),
    }


def _file_url(result: Any) -> str | None:
    """Returns the address in the result of an upload; a receiver may put anything under this name."""
    url = result.get("file_url") if isinstance(result, dict) else None
    return url if isinstance(url, str) else None


def _schedule_type(schedule: schedules.Schedule) -> str:
    match schedule:
        case schedules.RunAt() | schedules.DelayFromNow():
            return "scheduled"
        case _:
            return schedule.kind
