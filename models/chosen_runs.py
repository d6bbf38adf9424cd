"""Queries for the runs of a bulk action: in the order of ids, after a given one."""

from __future__ import annotations

import functools
import operator
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
_MAX_PAGES = 25
# Exactly the condition of the partial index `runs_failed`.
_FAILED = peewee.SQL("status = 'failed'")
_REASON = peewee.fn.COALESCE(peewee.fn.NULLIF(Run.error_message, ""), Run.error_type, failure_groups.UNKNOWN)


class Chosen(NamedTuple):
    """The first runs that match; `read_to` is the last run that was read, if more may match beyond it."""

    ids: Sequence[UUID]
    read_to: UUID | None = None


class ShownFailure(NamedTuple):
    """A run that failed and whose failure is shown."""

    id: UUID
    is_being_replayed: bool


class ShownFailures(NamedTuple):
    """The newest such runs that match; `is_cut` if more may match."""

    runs: Sequence[ShownFailure]
    is_cut: bool


class HandledFailures(NamedTuple):
    """How many failed runs are shown no more: they were replayed and have run again, or else were dismissed.

    `is_cut` if more failed than were read.
    """

    replayed: int = 0
    dismissed: int = 0
    is_cut: bool = False


def handled(wanted: RunFilter, most: int) -> HandledFailures:
    """Returns how many of the newest `most` failed runs that match are shown no more."""
    flags = (has_run_again().alias("has_run_again"), is_dismissed().alias("is_dismissed"))
    query = filtering.runs(Run.select(*flags).join(Job).join(App), wanted).where(_FAILED)
    newest = list(query.order_by(Run.finished_at.desc(), Run.id.desc()).limit(most + 1).tuples())
    read = [(bool(again), bool(dismissed)) for again, dismissed in newest[:most]]
    replayed, dismissed = sum(again for again, _ in read), sum(is_it and not again for again, is_it in read)
    return HandledFailures(replayed, dismissed, len(newest) > most)


def fitting(wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns runs that match."""
    return _found(_fitting(wanted), wanted, after, limit)


def live(wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns runs that match and have not ended."""
    return _found(_fitting(wanted).where(filtering.LIVE), wanted, after, limit)


def not_replayed(wanted: RunFilter, after: UUID | None, limit: int, statuses: Sequence[RunStatus] = DEAD) -> Chosen:
    """Returns dead runs that match, or runs with other `statuses`, that have no replay under way or finished.

    Dismissed failures are left out.
    """
    query = _fitting(wanted).where(Run.status.in_(statuses), ~is_being_replayed(), ~has_run_again(), ~is_dismissed())
    return _found(query, wanted, after, limit)


def not_dismissed(wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns failed runs that match, have no finished replay, and were not dismissed."""
    return _found(_not_dismissed(wanted), wanted, after, limit)


def newest_not_dismissed(wanted: RunFilter, most: int, most_read: int) -> ShownFailures:
    """Returns the newest of the runs that `not_dismissed` returns; no more than `most_read` reasons are compared."""
    query = _not_dismissed(wanted).where(_FAILED).select_extend(is_being_replayed().alias("is_being_replayed"))
    newest = query.order_by(Run.finished_at.desc(), Run.id.desc())
    most_read = most if wanted.failure is None else most_read
    read = list(newest.limit(most_read + 1))
    found = [run for run in read[:most_read] if wanted.failure is None or _is_for(run, wanted.failure)]
    shown = [ShownFailure(run.id, bool(run.is_being_replayed)) for run in found[:most]]
    return ShownFailures(shown, is_cut=len(found) > most or len(read) > most_read)


def is_being_replayed() -> Any:
    """Returns the condition under which a replay of a run is not over."""
    replay = Run.alias()
    return _has_replay(replay, replay.finished_at.is_null())


def has_run_again() -> Any:
    """Returns the condition under which a replay of a run completed or failed: its outcome then counts instead.

    So a replay that completes clears the failures before it, and one that fails is counted once.
    """
    replay = Run.alias()
    return _has_replay(replay, replay.status.in_((RunStatus.COMPLETED, RunStatus.FAILED)))


def is_dismissed() -> Any:
    """Returns the condition under which somebody has dismissed a run's failure."""
    dismissed = DismissedFailure.select(peewee.SQL("1")).where(DismissedFailure.run == Run.id)
    return peewee.fn.EXISTS(dismissed)


def _has_replay(replay: Any, condition: Any) -> Any:
    return peewee.fn.EXISTS(replay.select(peewee.SQL("1")).where(replay.retry_of == Run.id, condition))


def _not_dismissed(wanted: RunFilter) -> Any:
    return _fitting(wanted).where(Run.status == RunStatus.FAILED, ~has_run_again(), ~is_dismissed())


def _fitting(wanted: RunFilter) -> Any:
    why = () if wanted.failure is None else _why(wanted.failure)
    return filtering.runs(Run.select(Run.id, *why).join(Job).join(App), wanted)


def _why(failure: str) -> tuple[Any, ...]:
    """Returns columns that say whether a run matches the pattern of a group and, if so, why it failed.

    The pattern is not used as a condition: if few runs match, one page would read all runs.
    """
    fits = functools.reduce(operator.or_, (_REASON ** _pattern(one) for one in failure_groups.spellings(failure)))
    reasons = [peewee.Case(None, [(fits, one)], None).alias(one.name) for one in (Run.error_type, Run.error_message)]
    return (peewee.Case(None, [(fits, 1)], 0).alias("fits"), *reasons)


def _found(query: Any, wanted: RunFilter, after: UUID | None, limit: int) -> Chosen:
    """Returns the first runs that match; reasons for failure are compared here, since no database can do it."""
    if wanted.failure is None:
        return Chosen([run.id for run in _page(query, after, limit)])
    found: list[UUID] = []
    for _ in range(_MAX_PAGES):
        page = _page(query, after, _READ_AT_ONCE)
        found += [run.id for run in page if _is_for(run, wanted.failure)]
        if len(found) >= limit or len(page) < _READ_AT_ONCE:
            return Chosen(found[:limit])
        after = page[-1].id
    return Chosen(found, after)


def _is_for(run: Any, reason: str) -> bool:
    return bool(run.fits) and failure_groups.reason(run.error_type, run.error_message) == reason


def _page(query: Any, after: UUID | None, limit: int) -> list[Any]:
    if after is not None:
        query = query.where(Run.id > after)
    return list(query.order_by(Run.id).limit(limit))


def _pattern(failure: str) -> str:
    """Returns a pattern that every reason of this group matches, and few others."""
    return failure.replace("\\", "_").replace("%", "_").replace(failure_groups.VARIES, "%").replace("\n", "%")
