"""002: its app, its paths, its words for statuses and members."""

from __future__ import annotations

from api.sources.source import Source
from core import built_in_apps
from core.states import JobStatus
from services.task_types import run_command

SOURCE = Source(
    built_in_apps.TASKS,
    ("/api/tasks", "/api/register", "/api/login", "/register", "/login"),
    task_type=run_command.KEY,
)
FIELDS = {
    "data": "command",
    "data.command": "command",
    "task_type": "command",
    "schedule": "scheduled_time",
    "schedule.timestamp": "scheduled_time",
}
_STATUS_WORDS = {JobStatus.PENDING: "queued", JobStatus.COMPLETED: "success"}


def status_word(status: JobStatus) -> str:
    """Returns the word for a status: ours, unless 002 has its own."""
    return _STATUS_WORDS.get(status, status.value)
