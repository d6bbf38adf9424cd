"""What the API reads for the pages, so that a form is refused in the API's own words, and by the same rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.auditing import AuditFilter
from core.filters import JobFilter, RunFilter
from core.limits import Limit
from core.listing import Mark, Ordering, Stretch
from core.principals import Principal
from core.quotas import Quotas
from core.schedules import Schedule
from core.scopes import Role
from services.access.app_keys import NewKey
from services.access.own_tokens import NewToken
from services.access.saved_views import ViewedList
from services.apps.app_views import AppDefinition, AppView
from services.jobs.definition import Definition, NewJob
from services.jobs.version_history import Comparison
from services.reading.views import JobView

Parameters = Mapping[str, str]


@dataclass(frozen=True)
class JobList:
    """Which part of which jobs is wanted, in which order."""

    wanted: JobFilter
    ordering: Ordering
    stretch: Stretch
    of: str
    """What cursors of it carry."""


@dataclass(frozen=True)
class RunList:
    """Which part of which runs is wanted."""

    wanted: RunFilter
    stretch: Stretch
    of: str
    """What cursors of it carry."""


@dataclass(frozen=True)
class AuditList:
    """Which part of the audit log is wanted."""

    wanted: AuditFilter
    after: UUID | None
    limit: int
    of: str
    """What cursors of it carry."""


@dataclass(frozen=True)
class Readers:
    """Each raises `InvalidInput` naming the wrong fields, as the API does."""

    job_list: Callable[[Parameters], JobList]
    run_list: Callable[[Parameters], RunList]
    audit: Callable[[Parameters], AuditList]
    cursor: Callable[[Mark, Ordering, str], str]
    reason: Callable[[Parameters], str | None]
    new_job: Callable[[Any], NewJob]
    span: Callable[[Any], tuple[datetime, datetime]]
    schedule: Callable[[Any], Schedule]
    job_as_asked: Callable[[JobView], dict[str, Any]]
    job_as_shown: Callable[[JobView], dict[str, Any]]
    changed_job: Callable[[Principal, JobView, Any], Definition]
    new_app: Callable[[Any], tuple[str, AppDefinition]]
    changed_app: Callable[[AppView, Any], AppDefinition]
    app_with_task_type: Callable[[AppView, str, dict[str, Any] | None], AppDefinition]
    new_key: Callable[[Any], NewKey]
    role: Callable[[Any], Role]
    secret: Callable[[Any], str]
    differences: Callable[[Comparison], tuple[Mapping[str, Any], Mapping[str, Any]]]
    expect_edit: Callable[[Principal, JobView, Definition], None]
    test_call: Callable[[Any], tuple[str, dict[str, Any] | None]]
    view: Callable[[Any], tuple[ViewedList, str, Mapping[str, str]]]
    limit: Callable[[Any], Limit]
    quotas: Callable[[Any], Quotas]
    invitation: Callable[[Any], tuple[str | None, bool]]
    passwords: Callable[[Any], tuple[str, str]]
    new_token: Callable[[Any], NewToken]
    new_command: Callable[[Principal, Any], NewJob]
    changed_command: Callable[[Principal, JobView, Any], Definition]
    command_as_shown: Callable[[JobView], dict[str, Any]]
    is_command: Callable[[JobView], bool]
