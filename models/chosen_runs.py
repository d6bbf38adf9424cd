"""Queries for the runs of a bulk action: in the order of ids, after a given one."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core import failure_groups
from core.filters import RunFilter
from core.states import DEAD, RunStatus
from models import counting, filtering
from models.tables import App, DismissedFailure, Job, Run

_READ_AT_ONCE = 2_000
_MAX_PAGES = 25
# Exactly the condition of the partial index `runs_failed`.
_FAILED = peewee.SQL("status = 'failed'")
_REASON = peewee.fn.COALESCE(peewee.fn.NULLIF(Run.error_message, ""), Run.error_type, failure_groups.UNKNOWN)


HostsOf = Callable[[Sequence[UUID]], Mapping[UUID, str]]
"""Returns the host that each of these runs called last, of those that called one."""


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


def fitting(wanted: RunFilter, after: UUID | None, limit: int, hosts_of: HostsOf) -> Chosen:
    """Returns runs that match."""
    return _found(_fitting(wanted), wanted, after, limit, hosts_of)


def live(wanted: RunFilter, after: UUID | None, limit: int, hosts_of: HostsOf) -> Chosen:
    """Returns runs that match and have not ended."""
    return _found(_live(wanted), wanted, after, limit, hosts_of)


def not_replayed(
    wanted: RunFilter, after: UUID | None, limit: int, hosts_of: HostsOf, statuses: Sequence[RunStatus] = DEAD
) -> Chosen:
    """Returns dead runs that match, or runs with other `statuses`, that have no replay under way or finished.

    Dismissed failures are left out.
    """
    return _found(_not_replayed(wanted, statuses), wanted, after, limit, hosts_of)


def not_dismissed(wanted: RunFilter, after: UUID | None, limit: int, hosts_of: HostsOf) -> Chosen:
    """Returns failed runs that match, have no finished replay, and were not dismissed."""
    return _found(_not_dismissed(wanted), wanted, after, limit, hosts_of)


def count_live(wanted: RunFilter) -> int:
    """Returns how many runs `live` can return, whatever they failed for; an estimate if there are very many."""
    return counting.count(_live(wanted))


def count_not_replayed(wanted: RunFilter, statuses: Sequence[RunStatus] = DEAD) -> int:
    """Returns how many runs `not_replayed` can return, as `count_live` does."""
    return counting.count(_not_replayed(wanted, statuses))


def count_not_dismissed(wanted: RunFilter) -> int:
    """Returns how many runs `not_dismissed` can return, as `count_live` does."""
    return counting.count(_not_dismissed(wanted))


def newest_not_dismissed(wanted: RunFilter, most: int, most_read: int, hosts_of: HostsOf) -> ShownFailures:
    """Returns the newest of the runs that `not_dismissed` returns; no more than `most_read` are compared."""
    query = _not_dismissed(wanted).where(_FAILED).select_extend(is_being_replayed().alias("is_being_replayed"))
    newest = query.order_by(Run.finished_at.desc(), Run.id.desc())
    most_read = most_read if is_compared(wanted) else most
    read = list(newest.limit(most_read + 1))
    found = _alike(read[:most_read], wanted, hosts_of)
    shown = [ShownFailure(run.id, bool(run.is_being_replayed)) for run in found[:most]]
    return ShownFailures(shown, is_cut=len(found) > most or len(read) > most_read)


def is_compared(wanted: RunFilter) -> bool:
    """Whether a filter names what no database compares: why runs failed, or the host that they called."""
    return wanted.failure is not None or wanted.host is not None


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


def _live(wanted: RunFilter) -> Any:
    return _fitting(wanted).where(filtering.LIVE)


def _not_replayed(wanted: RunFilter, statuses: Sequence[RunStatus]) -> Any:
    return _fitting(wanted).where(Run.status.in_(statuses), ~is_being_replayed(), ~has_run_again(), ~is_dismissed())


def _not_dismissed(wanted: RunFilter) -> Any:
    return _fitting(wanted).where(Run.status == RunStatus.FAILED, ~has_run_again(), ~is_dismissed())


def _fitting(wanted: RunFilter) -> Any:
    """Returns runs that match; by why runs failed, or by the host that they called, only those that failed match.

    So an action takes no run that its list does not show: one that was never tried has called no host, for no reason.
    """
    why = () if wanted.failure is None else _why(wanted.failure)
    query = filtering.runs(Run.select(Run.id, *why).join(Job).join(App), wanted)
    return query.where(_FAILED) if is_compared(wanted) else query


def _why(failure: str) -> tuple[Any, ...]:
    """Returns columns that say whether a run matches the pattern of a group and, if so, why it failed.

    The pattern is not used as a condition: if few runs match, one page would read all runs.
    """
    fits = functools.reduce(operator.or_, (_REASON ** _pattern(one) for one in failure_groups.spellings(failure)))
    reasons = [peewee.Case(None, [(fits, one)], None).alias(one.name) for one in (Run.error_type, Run.error_message)]
    return (peewee.Case(None, [(fits, 1)], 0).alias("fits"), *reasons)


def _found(query: Any, wanted: RunFilter, after: UUID | None, limit: int, hosts_of: HostsOf) -> Chosen:
    """Returns the first runs that match; reasons and hosts are compared here, since no database can do it."""
    if not is_compared(wanted):
        return Chosen([run.id for run in _page(query, after, limit)])
    found: list[UUID] = []
    for _ in range(_MAX_PAGES):
        page = _page(query, after, _READ_AT_ONCE)
        found += [run.id for run in _alike(page, wanted, hosts_of)]
        if len(found) >= limit or len(page) < _READ_AT_ONCE:
            return Chosen(found[:limit])
        after = page[-1].id
    return Chosen(found, after)


def _alike(read: Sequence[Any], wanted: RunFilter, hosts_of: HostsOf) -> list[Any]:
    """Returns those of these runs that failed for the reason and called the host that a filter names."""
    found = [run for run in read if wanted.failure is None or _is_for(run, wanted.failure)]
    if wanted.host is None:
        return found
    hosts = hosts_of([run.id for run in found])
    return [run for run in found if hosts.get(run.id, failure_groups.NO_HOST) == wanted.host]


def _is_for(run: Any, reason: str) -> bool:
    return bool(run.fits) and failure_groups.reason(run.error_type, run.error_message) == reason


def _page(query: Any, after: UUID | None, limit: int) -> list[Any]:
    if after is not None:
        query = query.where(Run.id > after)
    return list(query.order_by(Run.id).limit(limit))


def _pattern(failure: str) -> str:
    """Returns a pattern that every reason of this group matches, and few others."""
    return failure.replace("\\", "_").replace("%", "_").replace(failure_groups.VARIES, "%").replace("\n", "%")
