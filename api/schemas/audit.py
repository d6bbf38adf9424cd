"""The audit log as callers ask for it and get it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.schemas.paging import Filter, PageQuery, Query
from api.schemas.values import InstantInQuery, Shown
from core.auditing import LONGEST_REASON, AuditFilter
from core.principals import PrincipalKind

Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class ReasonQuery(Query):
    """Why it is done: kept in the audit log."""

    reason: Reason | None = None


class PauseQuery(ReasonQuery):
    """Why it is paused, kept in the audit log; and until when at the latest, if it is to be resumed by itself then.

    `until` lies ahead, at most 366 days.
    """

    until: InstantInQuery | None = None


class AuditQuery(PageQuery):
    """Which entries are wanted."""

    app_name: Filter | None = None
    principal: Filter | None = None
    thing: Filter | None = None
    thing_id: Filter | None = None
    since: InstantInQuery | None = None
    before: InstantInQuery | None = None

    def wanted(self) -> AuditFilter:
        """Returns this as the services take it."""
        return AuditFilter(**self.model_dump(exclude={"limit", "cursor"}))


class AuditEntry(Shown):
    """One change: who made it (`kind`, `principal`), with which `credential`, from where, to what, and why.

    `title` is what people call the job that was changed, or whose run was; null for other things, and once it is gone.
    `before` and `after` hold the members that changed, secrets masked; a creation shows in the job itself.
    """

    id: UUID
    at: datetime
    kind: PrincipalKind
    principal: str
    credential: str
    address: str | None
    request_id: str | None
    action: str
    app_name: str | None
    thing: str
    thing_id: str
    title: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None


class AuditPage(Shown):
    """A stretch of the audit log, newest first; `next` is the path of the rest."""

    next: str | None
    results: list[AuditEntry]
