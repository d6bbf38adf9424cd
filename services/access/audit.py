"""Reads the audit log: administrators see all entries, owners those of their apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.auditing import AuditFilter
from core.principals import Principal, PrincipalKind
from core.scopes import Scope
from models import audit, database
from models.tables import AuditEntry


@dataclass(frozen=True)
class AuditView:
    """An entry as it is shown; `app_name` is None where the app is gone, or the change was of no app.

    `title` is what people call the job that was changed, or whose run was; None for other things, and once it is gone.
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
    before: Any
    after: Any
    reason: str | None


def listed(principal: Principal, wanted: AuditFilter, after: UUID | None, limit: int) -> tuple[list[AuditView], bool]:
    """Returns entries that fit and that the principal may see, newest first, and whether more follow."""
    seen = principal.visible_jobs(Scope.APP)
    app_ids = None if seen is None else seen.app_ids if seen.account_id is None else frozenset[UUID]()
    with database.reading():
        found = audit.page(wanted, app_ids, after, limit + 1)
        named = audit.titles(_ids(found, "job"), _ids(found, "run"))
        return [_view(entry, named.get(entry.thing_id)) for entry in found[:limit]], len(found) > limit


def _ids(entries: Sequence[AuditEntry], thing: str) -> set[str]:
    return {one.thing_id for one in entries if one.thing == thing}


def _view(entry: AuditEntry, title: str | None) -> AuditView:
    app = getattr(entry, "app", None)
    columns = {name: getattr(entry, name) for name in AuditView.__dataclass_fields__.keys() - {"app_name", "title"}}
    return AuditView(**columns, app_name=None if app is None else app.name, title=title)
