"""Filters for jobs and runs; a member that is None does not filter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.job_metadata import Member
from core.principals import VisibleJobs
from core.states import Hold, JobStatus, RunStatus, Trigger


@dataclass(frozen=True)
class StatusesOfApp:
    """Statuses to filter the jobs of one app by."""

    app_name: str
    statuses: tuple[JobStatus, ...]


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """A filter for jobs. `created_from` is inclusive, `created_before` exclusive; `search` is a part of a text.

    `metadata` is a member that the metadata has, at its top. Names, titles, task types and names of apps are searched,
    all folded (`core.names`). `status_but` overrides `status` for the jobs of one app. `visible` is what the caller may
    see. `paused` is whether a job's runs are kept from starting by a pause of the job, its app or everything; a job
    that has ended is not paused.
    """

    app_name: str | None = None
    account_id: str | None = None
    user_id: str | None = None
    visible: VisibleJobs | None = None
    status: JobStatus | None = None
    status_but: StatusesOfApp | None = None
    paused: bool | None = None
    task_type: str | None = None
    schedule_kind: str | None = None
    name: str | None = None
    tag: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    search: str | None = None
    metadata: Member | None = None
    ids: tuple[UUID, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """A filter for runs. `..._from` is inclusive, `..._before` exclusive; `but` is a status to leave out.

    `visible` is what the caller may see; `failure` is a reason for failure as `core.failure_groups` computes it; `host`
    is what the last attempt called (`failure_groups.NO_HOST`: none): only failed runs match a filter with one of them;
    `held_by` and `held_key` filter runs that are held; `retry_of` is the run that they replay.
    """

    visible: VisibleJobs | None = None
    job_id: UUID | None = None
    app_name: str | None = None
    account_id: str | None = None
    task_type: str | None = None
    status: RunStatus | None = None
    but: RunStatus | None = None
    trigger: Trigger | None = None
    due_from: datetime | None = None
    due_before: datetime | None = None
    scheduled_from: datetime | None = None
    scheduled_before: datetime | None = None
    finished_from: datetime | None = None
    finished_before: datetime | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    retry_of: UUID | None = None
    ids: tuple[UUID, ...] | None = None
    failure: str | None = None
    host: str | None = None
    held_by: Hold | None = None
    held_key: str | None = None
