"""The paths of each source system, and its form of errors; its other words are in its folder.

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
from typing import Any

from api.sources.commands import words as commands
from api.sources.cron_jobs import words as cron_jobs
from api.sources.deadline_jobs import words as deadline_jobs
from api.sources.source import Source
from api.sources.typed_jobs import words as typed_jobs
from core.errors import FieldError

SOURCES = (typed_jobs.SOURCE, commands.SOURCE, cron_jobs.SOURCE, deadline_jobs.SOURCE)

# Members of a problem that a source system's members must not replace.
_TAKEN = frozenset({"type", "title", "status", "detail", "instance", "request_id", "errors", "error"})


def error_members(path: str, detail: str, faults: Sequence[FieldError], missing: str | None) -> dict[str, Any]:
    """Returns the members in which a source system showed an error, to be added to our problem.

    `missing` is the noun of what was not found.
    """
    source = _of(path)
    if source is None:
        return {}
    members: dict[str, Any] = {}
    for fault in faults:
        if fault.field not in _TAKEN:
            members.setdefault(fault.field, []).append(fault.message)
    if source.tells_error:
        no_job = source.no_job if missing == "job" else None
        members["error"] = no_job or _sentence(faults) or detail
    return members


def _sentence(faults: Sequence[FieldError]) -> str | None:
    """Returns the message that all faults share, if it is a sentence that makes sense without the field's name."""
    messages = {fault.message for fault in faults if fault.message[:1].isupper()}
    return messages.pop() if len(messages) == 1 else None


def _of(path: str) -> Source | None:
    for source in SOURCES:
        for prefix in source.prefixes:
            if path == prefix or path.startswith(f"{prefix.rstrip('/')}/"):
                return source
    return None
