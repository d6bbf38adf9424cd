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

from core import names
from core.errors import FieldError
from core.filters import JobFilter, StatusesOfApp
from core.schedules import Cron
from core.states import JobStatus
from services.reading.views import JobView, JobWithLog
from services.task_types import run_command


@dataclass(frozen=True)
class Dialect:
    """One source system: the app that its jobs go by, where its paths begin, how it tells errors.

    Whoever may make jobs of an app can make such as the system has no words for: it owns those of its type of task or
    its kind of schedule.
    """

    app_name: str
    prefixes: tuple[str, ...]
    task_type: str | None = None
    schedule_kind: str | None = None
    tells_error: bool = True
    no_job: str | None = None

    def jobs(self) -> JobFilter:
        """The jobs that it owns."""
        return JobFilter(app_name=self.app_name, task_type=self.task_type, schedule_kind=self.schedule_kind)

    def owns(self, view: JobView) -> bool:
        """Whether a job is one of these."""
        return (
            view.app_name == self.app_name
            and self.task_type in (None, view.task_type)
            and self.schedule_kind in (None, view.schedule.kind)
        )


TYPED = Dialect("default", ("/api/jobs",))
COMMANDS = Dialect(
    "tasks", ("/api/tasks", "/api/register", "/api/login", "/register", "/login"), task_type=run_command.KEY
)
CRON = Dialect("scheduler", ("/scheduler/",), schedule_kind=Cron.kind, no_job="Job not found")
DEADLINES = Dialect("jobs", ("/jobs/",), tells_error=False)
DIALECTS = (TYPED, COMMANDS, CRON, DEADLINES)
# Their apps, by what all spellings of a name have in common: nobody can have one that only looks like it.
RESERVED_APPS = {names.folded(dialect.app_name): dialect.app_name for dialect in DIALECTS}

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


def status_in_lists(app_name: str, status: JobStatus) -> JobStatus:
    """The word by which `/api/jobs` shows and finds a job: 001's where the job is of its app, else ours."""
    return plain_status(status) if app_name == TYPED.app_name else status


def as_shown(wanted: JobFilter) -> JobFilter:
    """The filter that finds the jobs of `/api/jobs` by the word which each shows for its status."""
    meant = tuple(status for status in JobStatus if status_in_lists(TYPED.app_name, status) is wanted.status)
    if wanted.status is None or meant == (wanted.status,):
        return wanted
    return replace(wanted, status_but=StatusesOfApp(TYPED.app_name, meant))


def error_members(path: str, detail: str, faults: Sequence[FieldError], missing: str | None) -> dict[str, Any]:
    """What a source system printed of an error, to go into the problem besides our own members.

    `missing` is the noun of what is not there.
    """
    dialect = _of(path)
    if dialect is None:
        return {}
    members: dict[str, Any] = {}
    for fault in faults:
        if fault.field not in _TAKEN:
            members.setdefault(fault.field, []).append(fault.message)
    if dialect.tells_error:
        no_job = dialect.no_job if missing == "job" else None
        members["error"] = no_job or _sentence(faults) or detail
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
