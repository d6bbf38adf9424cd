"""The tables: where each source system's paths lie, and its words for what we call otherwise.

| Section | Source system | Paths |
|---|---|---|
| 000 | callbacks and polling | `/api/jobs/create`, `/api/jobs/{id}/status` |
| 001 | typed jobs | `/api/jobs` |
| 002 | commands | `/api/tasks`, `/api/register`, `/api/login` |
| 003 | cron jobs | `/scheduler/jobs` |
| 004 | jobs with deadlines | `/jobs/api/jobs` |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.errors import FieldError
from core.filters import JobFilter
from core.states import JobStatus
from services.reading.views import JobWithLog

ANONYMOUS = "anonymous"
"""Account and user of a job that nobody in particular asked for."""


@dataclass(frozen=True)
class Dialect:
    """One source system: the app that its jobs go by, where its paths begin, how it tells errors."""

    app_name: str
    prefixes: tuple[str, ...]
    tells_error: bool = True
    nothing_there: str | None = None


TYPED = Dialect("default", ("/api/jobs",))
COMMANDS = Dialect("tasks", ("/api/tasks", "/api/register", "/api/login", "/register", "/login"))
CRON = Dialect("scheduler", ("/scheduler/",), nothing_there="Job not found")
DEADLINES = Dialect("jobs", ("/jobs/",), tells_error=False)
DIALECTS = (TYPED, COMMANDS, CRON, DEADLINES)

# What 000 shows, besides our own words, of a run that is due and waits for a permit of its account.
PAUSED_RATE_LIMITED: Literal["paused_rate_limited"] = "paused_rate_limited"

# What 001 and 004 show, and what 002 shows; a word that is missing is the same.
PLAIN_WORDS = {JobStatus.QUEUED: JobStatus.PENDING}
COMMAND_WORDS = {JobStatus.PENDING: "queued", JobStatus.COMPLETED: "success"}

# Priorities of 004, read: the least number that is called so.
PriorityWord = Literal["high", "medium", "low"]
PRIORITY_FROM: tuple[tuple[int, PriorityWord], ...] = ((7, "high"), (4, "medium"), (0, "low"))

# Members of a problem that no dialect's own may replace.
_TAKEN = frozenset({"type", "title", "status", "detail", "instance", "request_id", "errors", "error"})


def callback_status(found: JobWithLog) -> JobStatus | Literal["paused_rate_limited"]:
    """The word of 000: a run that waits to be tried again is running, one without a permit has its own word."""
    if found.job.status is not JobStatus.QUEUED:
        return found.job.status
    if found.retrying:
        return JobStatus.RUNNING
    return PAUSED_RATE_LIMITED if found.rate_limited else JobStatus.QUEUED


def plain_status(status: JobStatus) -> JobStatus:
    """The word of 001 and 004: what is queued or retrying is pending."""
    return PLAIN_WORDS.get(status, status)


def command_status(status: JobStatus) -> str:
    """The word of 002."""
    return COMMAND_WORDS.get(status, status.value)


def priority_word(priority: int) -> PriorityWord:
    """The word of 004."""
    return next(word for least, word in PRIORITY_FROM if priority >= least)


def filter_by_type(wanted: JobFilter, job_type: str) -> JobFilter:
    """The filter as 001 means it, once it names a type in its own way: `pending` is also what shows as that there."""
    asked = wanted.status
    if asked is None:
        return replace(wanted, task_type=job_type)
    meant = tuple(status for status in JobStatus if plain_status(status) is asked)
    return replace(wanted, task_type=job_type, status=None, status_in=meant or (asked,))


def error_members(path: str, status: int, detail: str, faults: Sequence[FieldError]) -> dict[str, Any]:
    """What a source system printed of an error, to go into the problem besides our own members."""
    dialect = _of(path)
    if dialect is None:
        return {}
    members: dict[str, Any] = {}
    for fault in faults:
        if fault.field not in _TAKEN:
            members.setdefault(fault.field, []).append(fault.message)
    if dialect.tells_error:
        missing = dialect.nothing_there if status == 404 else None  # noqa: PLR2004  HTTP's own number
        members["error"] = missing or _sentence(faults) or detail
    return members


def _sentence(faults: Sequence[FieldError]) -> str | None:
    """What all of the faults say, if that is a sentence that needs no field's name before it."""
    messages = {fault.message for fault in faults if fault.message[:1].isupper()}
    return messages.pop() if len(messages) == 1 else None


def _of(path: str) -> Dialect | None:
    for dialect in DIALECTS:
        for prefix in dialect.prefixes:
            if path == prefix or path.startswith(f"{prefix.rstrip('/')}/"):
                return dialect
    return None
