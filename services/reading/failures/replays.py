"""Replays: the runs that repeat a failed or cancelled run, and their outcomes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.filters import RunFilter
from core.principals import Principal
from core.states import DID_NOT_RUN, RunStatus
from models import database, lists, repeats
from services.reading import visibility


@dataclass(frozen=True)
class ReplayView:
    """A run that replays another one."""

    id: UUID
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None


def of_runs(principal: Principal, run_ids: Collection[UUID]) -> dict[UUID, list[ReplayView]]:
    """Returns the replays of each of these runs, which the principal sees, oldest first; runs without are left out."""
    with database.reading():
        found = repeats.replays_of(run_ids) if run_ids else []
    replays: dict[UUID, list[ReplayView]] = {}
    for one in found:
        if principal.sees_runs_of(one.account_id):
            view = ReplayView(one.id, one.status, one.created_at, one.finished_at)
            replays.setdefault(one.of, []).append(view)
    return replays


def is_open(replays: Sequence[ReplayView]) -> bool:
    """Whether a run with these replays may still be replayed: none is under way, and none has run."""
    return all(one.status in DID_NOT_RUN for one in replays)


def statuses(principal: Principal, wanted: RunFilter) -> Mapping[RunStatus, int]:
    """Returns how many of the matching runs have each status; among the newest 10,000 if there are very many."""
    with database.reading():
        return lists.run_statuses(visibility.visible(principal, wanted))
