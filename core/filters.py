"""What may be looked for among jobs and runs; None leaves a member out of account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.states import JobStatus, RunStatus, Trigger


@dataclass(frozen=True)
class StatusesOfApp:
    """Statuses that are meant of the jobs of one app."""

    app_name: str
    statuses: tuple[JobStatus, ...]


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs are meant. `created_from` is inclusive, `created_before` exclusive; `search` is a part of a text.

    It is looked for in names, titles, task types and apps. `status_but` tells of one app what `status` means there.
    """

    app_name: str | None = None
    account_id: str | None = None
    user_id: str | None = None
    owner_id: UUID | None = None
    status: JobStatus | None = None
    status_but: StatusesOfApp | None = None
    task_type: str | None = None
    schedule_kind: str | None = None
    name: str | None = None
    tag: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    search: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs are meant. `due_from` is inclusive, `due_before` exclusive."""

    job_id: UUID | None = None
    app_name: str | None = None
    account_id: str | None = None
    task_type: str | None = None
    status: RunStatus | None = None
    trigger: Trigger | None = None
    due_from: datetime | None = None
    due_before: datetime | None = None
