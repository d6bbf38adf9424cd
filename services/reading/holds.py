"""The history of what held a run: by what, from when to when, and which runs had the places then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.errors import NotFound
from core.principals import Principal
from core.states import Hold
from models import attempts, database, limits, lists, run_holds
from models.tables import Run, RunHold
from services.reading import visibility


@dataclass(frozen=True)
class HoldView:
    """A time in which a run was held; `until` is None while it lasts.

    `holders` are those of up to five runs, before it as the hold began, that the principal may see.
    """

    held_by: Hold
    key: str | None
    since: datetime
    until: datetime | None
    holders: tuple[UUID, ...]


def of_run(principal: Principal, run_id: UUID) -> list[HoldView]:
    """Returns what held a run, in order. Raises `NotFound`."""
    with database.reading():
        found = lists.run(run_id)
        if found is None or not visibility.sees(principal, found.job):
            raise NotFound("run", run_id)
        return read(principal, found)


def read(principal: Principal, run: Run) -> list[HoldView]:
    """Returns what held a run that the principal may see; read in the caller's transaction."""
    found = run_holds.of_run(run.id)
    begun = [one.started_at for one in attempts.of_run(run.id)] if any(one.until is None for one in found) else []
    return _views(run, found, begun, _seen(principal, found).__contains__)


def of_ended(run: Run, found: Sequence[RunHold], begun: Sequence[datetime]) -> list[HoldView]:
    """Returns what held a run that has ended, with all that were before it, given when its attempts began."""
    return _views(run, found, begun, lambda _: True)


def _views(
    run: Run, found: Sequence[RunHold], begun: Sequence[datetime], shows: Callable[[UUID], bool]
) -> list[HoldView]:
    ends = _ends(run, begun)
    following = [*(one.since for one in found[1:]), None]
    return [
        HoldView(
            one.held_by,
            one.key,
            one.since,
            _until(one, ends, next_since),
            tuple(filter(shows, _holders(one))),
        )
        for one, next_since in zip(found, following, strict=False)  # without holds, one None is left over
    ]


def _until(one: RunHold, ends: Sequence[datetime], next_since: datetime | None) -> datetime | None:
    """Returns when a hold was over: at the latest as the next began, if a process that knew no history let it go."""
    over = one.until or next((end for end in ends if end >= one.since), None)
    if over is None or next_since is None:
        return over or next_since
    return min(over, next_since)


def _ends(run: Run, begun: Sequence[datetime]) -> list[datetime]:
    """Returns the instants that may have ended a hold whose end was not recorded: attempts began, or the run ended.

    A run cancelled while it was held leaves its hold open; so do processes of the release before holds were recorded.
    """
    if run.held_by is not None:
        return []
    return list(begun) if run.finished_at is None else [*begun, run.finished_at]


def _seen(principal: Principal, found: Sequence[RunHold]) -> set[UUID]:
    of_runs = limits.jobs_of_runs({holder for one in found for holder in _holders(one)})
    return {run_id for run_id, job in of_runs.items() if visibility.sees(principal, job)}


def _holders(one: RunHold) -> list[UUID]:
    return [UUID(text) for text in one.holders or ()]
