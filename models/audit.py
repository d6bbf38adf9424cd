"""Queries on the audit log."""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.auditing import AuditFilter, Thing
from core.principals import PrincipalKind
from models import apps
from models.tables import App, AuditEntry, Job, Run, db


def insert(rows: Sequence[dict[str, Any]]) -> None:
    """Store entries."""
    AuditEntry.insert_many(rows).execute()


class Newest(NamedTuple):
    """The newest entry of a thing."""

    thing_id: str
    action: str
    at: datetime
    kind: PrincipalKind
    principal: str
    reason: str | None


def newest(things: Sequence[Thing], actions: Collection[str]) -> dict[str, Newest]:
    """Returns, by id, the newest entry about one of these actions for each of these things, all of one kind.

    For a thing whose app is given, only entries of that app count: another app may have had its name. One statement, as
    text: each thing is looked up in the index of things, and one row of it is read.
    """
    if not things:
        return {}
    values: list[Any] = []
    parts = []
    for thing in things:
        of_app = "" if thing.app_id is None else "AND app_id = ?"
        parts.append(_NEWEST_OF_ONE.format(actions=", ".join("?" * len(actions)), of_app=of_app))
        app = [] if thing.app_id is None else [_APP_ID.db_value(thing.app_id)]
        values += [thing.id, thing.kind, *actions, *app]
    rows = db.execute_sql(" UNION ALL ".join(parts).replace("?", db.param), values).fetchall()
    return {
        row[0]: Newest(row[0], row[1], _AT.python_value(row[2]), _KIND.python_value(row[3]), *row[4:]) for row in rows
    }


_APP_ID: Any = AuditEntry.app_id
_AT: Any = AuditEntry.at
_KIND: Any = AuditEntry.kind
_NEWEST_OF_ONE = """
    SELECT * FROM (
        SELECT thing_id, action, at, kind, principal, reason FROM audit
        WHERE thing_id = ? AND thing = ? AND action IN ({actions}) {of_app} ORDER BY id DESC LIMIT 1
    ) AS newest
"""


def before(things: Sequence[Thing], actions: Collection[str], until: datetime, limit: int) -> list[AuditEntry]:
    """Returns entries about one of these actions on one of these things up to an instant, newest first.

    For a thing whose app is given, only entries of that app count, as in `newest`.
    """
    query: Any = AuditEntry.select().where(
        functools.reduce(operator.or_, map(_is_of, things)), AuditEntry.action.in_(actions)
    )
    return list(query.where(AuditEntry.at <= until).order_by(AuditEntry.id.desc()).limit(limit))


def _is_of(thing: Thing) -> Any:
    same = (AuditEntry.thing == thing.kind) & (AuditEntry.thing_id == thing.id)
    return same if thing.app_id is None else same & (AuditEntry.app_id == thing.app_id)


def titles(job_ids: Collection[str], run_ids: Collection[str]) -> dict[str, str]:
    """Returns, by these ids of jobs and runs, how the job is shown: its name, its title or its task type."""
    called = peewee.fn.COALESCE(Job.name, Job.title, Job.task_type)
    of_jobs: Any = Job.select(Job.id, called).where(Job.id.in_(_uuids(job_ids)))
    of_runs: Any = Run.select(Run.id, called).join(Job).where(Run.id.in_(_uuids(run_ids)))
    return {str(thing_id): title for query in (of_jobs, of_runs) for thing_id, title in query.tuples()}


def _uuids(texts: Collection[str]) -> list[UUID]:
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(UUID(text))
    return found


def page(wanted: AuditFilter, app_ids: Collection[UUID] | None, after: UUID | None, limit: int) -> list[AuditEntry]:
    """Returns entries that match, of these apps or of all, newest first, with their apps if these still exist."""
    query: Any = AuditEntry.select(AuditEntry, App.id, App.name).join(
        App, peewee.JOIN.LEFT_OUTER, on=AuditEntry.app_id == App.id, attr="app"
    )
    if app_ids is not None:
        query = query.where(AuditEntry.app_id.in_(sorted(app_ids)) if app_ids else peewee.SQL("1 = 0"))
    if wanted.app_name is not None:
        query = query.where(AuditEntry.app_id == apps.id_of(wanted.app_name))
    for column, value in (
        (AuditEntry.principal, wanted.principal),
        (AuditEntry.thing, wanted.thing),
        (AuditEntry.thing_id, wanted.thing_id),
    ):
        query = query if value is None else query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.before is not None:
        query = query.where(AuditEntry.at < wanted.before)
    if after is not None:
        query = query.where(AuditEntry.id < after)
    return list(query.order_by(AuditEntry.id.desc()).limit(limit))
