"""Queries for the runs that an action on many is carried out on: in the order of ids, from one (not included) on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core import failure_groups
from core.filters import RunFilter
from core.states import DEAD, RunStatus
from models import filtering
from models.tables import App, DismissedFailure, Job, Run

_READ_AT_ONCE = 2_000
_MOST_PAGES = 25
_REASON = peewee.fn.COALESCE(peewee.fn.NULLIF(Run.error_message, ""), Run.error_type, failure_groups.UNKNOWN)


class Chosen(NamedTuple):
    """The first so many runs that fit; `read_to` is the run up to which runs were read, if more may fit beyond it."""

    ids: Sequence[UUID]
    read_to: UUID | None = None


def fitting(wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns runs that fit."""
    return _found(_fitting(wanted), wanted, after, limit)


def live(wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns runs that fit and have not ended."""
    return _found(_fitting(wanted).where(filtering.LIVE), wanted, after, limit)


def not_repeated(wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns dead runs that fit, that no other run repeats and that nobody has dismissed."""
    query = _fitting(wanted).where(Run.status.in_(DEAD), ~is_repeated(), ~is_dismissed())
    return _found(query, wanted, after, limit)


def not_dismissed(wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns failed runs that fit and that nobody has dismissed."""
    query = _fitting(wanted).where(Run.status == RunStatus.FAILED, ~is_dismissed())
    return _found(query, wanted, after, limit)


def is_repeated() -> Any:
    """Returns the condition under which another run repeats a run."""
    repeat = Run.alias()
    return peewee.fn.EXISTS(repeat.select(peewee.SQL("1")).where(repeat.retry_of == Run.id))


def is_dismissed() -> Any:
    """Returns the condition under which somebody has dismissed a run's failure."""
    dismissed = DismissedFailure.select(peewee.SQL("1")).where(DismissedFailure.run == Run.id)
    return peewee.fn.EXISTS(dismissed)


def _fitting(wanted: RunFilter) -> Any:
    why = () if wanted.failure is None else _why(wanted.failure)
    return filtering.runs(Run.select(Run.id, *why).join(Job).join(App), wanted)


def _why(failure: str) -> tuple[Any, ...]:
    """Returns columns that tell whether a run fits the pattern of a group, and why it failed, if it does.

    The pattern is no condition: where few fit it, one page would read all runs there are.
    """
    fits = _REASON ** _pattern(failure)
    told = [peewee.Case(None, [(fits, one)], None).alias(one.name) for one in (Run.error_type, Run.error_message)]
    return (peewee.Case(None, [(fits, 1)], 0).alias("fits"), *told)


def _found(query: Any, wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns the first so many; why runs failed is compared here, since databases know no such pattern."""
    if wanted.failure is None:
        return Chosen([run.id for run in _page(query, after, limit)])
    found: list[UUID] = []
    for _ in range(_MOST_PAGES):
        page = _page(query, after, _READ_AT_ONCE)
        found += [run.id for run in page if run.fits and _reason(run) == wanted.failure]
        if len(found) >= limit or len(page) < _READ_AT_ONCE:
            return Chosen(found[:limit])
        after = page[-1].id
    return Chosen(found, after)


def _reason(run: Run) -> str:
    return failure_groups.reason(run.error_type, run.error_message)


def _page(query: Any, after: UUID | None, limit: int) -> list[Any]:
    if after is not None:
        query = query.where(Run.id > after)
    return list(query.order_by(Run.id).limit(limit))


def _pattern(failure: str) -> str:
    """Returns a pattern that every reason of this group fits, and few others."""
    return failure.replace("\\", "_").replace("%", "_").replace(failure_groups.VARIES, "%").replace("\n", "%")
