"""The history of a run's holds: the reasons, from when to when, and which runs had the places then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.principals import Principal
from core.states import Hold
from models import attempts, jobs, limits, run_holds
from models.run_holds import KeptHold
from services.reading import visibility
from services.reading.pauses import past_pauses, pause_words


@dataclass(frozen=True)
class HoldView:
    """A period in which a run was held; `until` is None while it lasts.

    `holders` are up to five runs for which it waited as the hold began, if the principal may see them. `pause` says
    which pauses held it, by whom and why, as far as the principal may know.
    """

    held_by: Hold
    key: str | None
    since: datetime
    until: datetime | None
    holders: tuple[UUID, ...]
    pause: str | None = None


class HeldRun(Protocol):
    """A period in which a run was held: a row, or its view."""

    @property
    def id(self) -> UUID: ...
    @property
    def job_id(self) -> UUID: ...
    @property
    def held_by(self) -> Hold | None: ...
    @property
    def finished_at(self) -> datetime | None: ...


def read(principal: Principal, run: HeldRun) -> list[HoldView]:
    """Returns the holds of a run that the principal may see; read in the caller's transaction."""
    found = run_holds.of_run(run.id)
    begun = attempts.begun(run.id) if any(one.until is None for one in found) else []
    return _with_pauses(principal, run, _views(run, found, begun, _seen(principal, found).__contains__))


def of_ended(run: HeldRun, found: Sequence[KeptHold], begun: Sequence[datetime]) -> list[HoldView]:
    """Returns the holds of a run that has ended, with all runs it waited for, given when its attempts began."""
    return _views(run, found, begun, lambda _: True)


def _views(
    run: HeldRun, found: Sequence[KeptHold], begun: Sequence[datetime], shows: Callable[[UUID], bool]
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


def _with_pauses(principal: Principal, run: HeldRun, views: list[HoldView]) -> list[HoldView]:
    """Returns the holds, with the recorded details of those that were pauses."""
    began = [one.since for one in views if one.held_by is Hold.PAUSED]
    job = jobs.by_id(run.job_id) if began else None
    if job is None:
        return views
    known = past_pauses.up_to(principal, job, max(began))
    return [
        replace(one, pause=pause_words.of_hold(known.at(one.since)) or None) if one.held_by is Hold.PAUSED else one
        for one in views
    ]


def _until(one: KeptHold, ends: Sequence[datetime], next_since: datetime | None) -> datetime | None:
    """Returns when a hold ended: at the latest when the next began, since older processes record no end."""
    over = one.until or next((end for end in ends if end >= one.since), None)
    if over is None or next_since is None:
        return over or next_since
    return min(over, next_since)


def _ends(run: HeldRun, begun: Sequence[datetime]) -> list[datetime]:
    """Returns the instants that may have ended a hold whose end was not recorded: attempts began, or the run ended.

    A run cancelled while it was held leaves its hold open; so do processes of the release before this history.
    """
    if run.held_by is not None:
        return []
    return list(begun) if run.finished_at is None else [*begun, run.finished_at]


def _seen(principal: Principal, found: Sequence[KeptHold]) -> set[UUID]:
    of_runs = limits.jobs_of_runs({holder for one in found for holder in _holders(one)}, principal.account_id)
    return {run_id for run_id, job in of_runs.items() if visibility.sees(principal, job)}


def _holders(one: KeptHold) -> list[UUID]:
    return [UUID(text) for text in one.holders or ()]
