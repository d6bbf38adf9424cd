"""Where each source system's paths lie, and what it prints of an error; the words of each are in its folder.

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

# Members of a problem that no source system's own may replace.
_TAKEN = frozenset({"type", "title", "status", "detail", "instance", "request_id", "errors", "error"})


def error_members(path: str, detail: str, faults: Sequence[FieldError], missing: str | None) -> dict[str, Any]:
    """What a source system printed of an error, to go into the problem besides our own members.

    `missing` is the noun of what is not there.
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
    """What all of the faults say, if that is a sentence that needs no field's name before it."""
    messages = {fault.message for fault in faults if fault.message[:1].isupper()}
    return messages.pop() if len(messages) == 1 else None


def _of(path: str) -> Source | None:
    for source in SOURCES:
        for prefix in source.prefixes:
            if path == prefix or path.startswith(f"{prefix.rstrip('/')}/"):
                return source
    return None
