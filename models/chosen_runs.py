"""Queries for the runs that an action on many is carried out on: in the order of ids, from one (not included) on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import peewee

from core import failure_groups
from core.filters import RunFilter
from core.states import DEAD, RunStatus
from models import filtering
from models.tables import App, DismissedFailure, Job, Run

_READ_AT_ONCE = 2_000
_REASON = peewee.fn.COALESCE(peewee.fn.NULLIF(Run.error_message, ""), Run.error_type, failure_groups.UNKNOWN)


def those(wanted: RunFilter, after: UUID | None, limit: int) -> list[UUID]:
    """Returns runs that fit."""
    return _found(_fitting(wanted), wanted, after, limit)


def live(wanted: RunFilter, after: UUID | None, limit: int) -> list[UUID]:
    """Returns runs that fit and have not ended."""
    return _found(_fitting(wanted).where(filtering.LIVE), wanted, after, limit)


def not_repeated(wanted: RunFilter, after: UUID | None, limit: int) -> list[UUID]:
    """Returns dead runs that fit, that no other run repeats and that nobody has dismissed."""
    repeat = Run.alias()
    repeated = repeat.select(peewee.SQL("1")).where(repeat.retry_of == Run.id)
    query = _fitting(wanted).where(Run.status.in_(DEAD), ~peewee.fn.EXISTS(repeated), ~is_dismissed())
    return _found(query, wanted, after, limit)


def not_dismissed(wanted: RunFilter, after: UUID | None, limit: int) -> list[UUID]:
    """Returns failed runs that fit and that nobody has dismissed."""
    query = _fitting(wanted).where(Run.status == RunStatus.FAILED, ~is_dismissed())
    return _found(query, wanted, after, limit)


def is_dismissed() -> Any:
    """Returns the condition under which somebody has dismissed a run's failure."""
    dismissed = DismissedFailure.select(peewee.SQL("1")).where(DismissedFailure.run == Run.id)
    return peewee.fn.EXISTS(dismissed)


def _fitting(wanted: RunFilter) -> Any:
    columns = (Run.id, Run.error_type, Run.error_message)
    return filtering.runs(Run.select(*columns).join(Job).join(App), wanted)


def _found(query: Any, wanted: RunFilter, after: UUID | None, limit: int) -> list[UUID]:
    """Returns the first so many; why runs failed is compared here, since databases know no such pattern."""
    if wanted.failure is None:
        return [run.id for run in _page(query, after, limit)]
    alike = query.where(_REASON ** _pattern(wanted.failure))
    found: list[UUID] = []
    for run in _in_pages(alike, after):
        if failure_groups.reason(run.error_type, run.error_message) == wanted.failure:
            found.append(run.id)
            if len(found) == limit:
                break
    return found


def _in_pages(query: Any, after: UUID | None) -> Iterator[Run]:
    while page := _page(query, after, _READ_AT_ONCE):
        yield from page
        after = page[-1].id


def _page(query: Any, after: UUID | None, limit: int) -> list[Run]:
    if after is not None:
        query = query.where(Run.id > after)
    return list(query.order_by(Run.id).limit(limit))


def _pattern(failure: str) -> str:
    """Returns a pattern that every reason of this group fits, and few others."""
    return failure.replace("\\", "_").replace("%", "_").replace(failure_groups.VARIES, "%").replace("\n", "%")
