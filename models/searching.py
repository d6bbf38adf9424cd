"""A search in SQL: the jobs that have a text in their name, their title, their task type or the name of their app.

Both these and the text are compared folded. On PostgreSQL an index of trigrams is used if the text has three letters or
digits in a row (`migrations.large_indexes`); without it, and for shorter texts, jobs are read one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import peewee

from core import names
from models.database import is_sqlite
from models.tables import App, Job, db

FEW = 2_000
"""As many jobs are found, and then sorted, before a list reads jobs in its own order until a page is full."""
_MAX_APPS = 1_000


def has(text: str) -> Any:
    """Returns the condition under which a job has this text in it."""
    wanted = names.folded(text)
    return _contains(Job.search_text, wanted) | _contains(_task_type(), wanted) | _is_of_app(wanted)


def page_of_few(query: Any, paged: Callable[[Any], Any]) -> tuple[list[UUID], int] | None:
    """Returns a page of a query's jobs, which are found before they are sorted, and their number; None if many.

    A database estimates how many jobs have a text. If it estimates too many, it would scan all jobs in the order of the
    list, expecting a page to be full soon, and scan them once more to count them.
    """
    found = query.limit(FEW + 1).cte("found", materialized=None if is_sqlite() else True)
    ids, count = (peewee.Select([found], [column]) for column in (found.c.id, peewee.fn.COUNT(found.c.id)))
    page = _as_array(paged(Job.select(Job.id.cast("TEXT").alias("id")).where(_is_among(ids))))
    [(number, listed)] = peewee.Select(None, [count, page]).with_cte(found).tuples().execute(db)
    if number > FEW:
        return None
    return [UUID(one) for one in (json.loads(listed) if is_sqlite() else listed)], number


def _is_among(ids: Any) -> Any:
    """Uses an array, which PostgreSQL estimates to be short, so that it looks up the jobs one by one."""
    return Job.id.in_(ids) if is_sqlite() else Job.id == peewee.fn.ANY(peewee.fn.ARRAY(ids))


def _as_array(page: Any) -> Any:
    return peewee.Select([page], [peewee.fn.JSON_GROUP_ARRAY(page.c.id)]) if is_sqlite() else peewee.fn.ARRAY(page)


def _contains(column: Any, text: str) -> Any:
    """On SQLite LIKE ignores case, and there is no other operator."""
    found = column.contains(text)
    return found if is_sqlite() else peewee.Expression(found.lhs, peewee.OP.LIKE, found.rhs)


def _task_type() -> Any:
    """Task types are ASCII and stored as they were given; written exactly as in the index."""
    return Job.task_type if is_sqlite() else peewee.fn.LOWER(Job.task_type.collate('"C"'))


def _is_of_app(text: str) -> Any:
    """Apps are looked up first: PostgreSQL uses indexes for OR only if all its parts are about one table."""
    found: list[UUID] = [app.id for app in _apps(text).limit(_MAX_APPS + 1)]
    return Job.app.in_(found if len(found) <= _MAX_APPS else _apps(text))


def _apps(text: str) -> Any:
    return App.select(App.id).where(_contains(App.name_key, text))
