"""Who uses a limited key: calls under way, with when each ends at the latest, and ended ones that still count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.principals import Principal
from models import database, limits, lists, versions
from models.limits import RunningUse
from services.reading.limits import MAX_SHOWN, LimitView, get, visible_runs
from services.reading.views import RunView, run_view
from services.system import System
from services.task_types import registry


@dataclass(frozen=True)
class UnderWay:
    """A run with a call under way, and when this ends at the latest, None if that is not known.

    That is at its time limit; if the receiver is to report, once no report has come. With a rate it counts longer.
    """

    run: RunView
    ends_by: datetime | None


@dataclass(frozen=True)
class StillCounted:
    """A run with a call that has ended, and counts against the rate until `free_at`."""

    run: RunView
    ended_at: datetime
    free_at: datetime


@dataclass(frozen=True)
class Uses:
    """The first 20 of each, of runs that the principal may see: the ended ones by when they are free."""

    under_way: list[UnderWay]
    still_counted: list[StillCounted]


def of_key(principal: Principal, system: System, text: str) -> tuple[LimitView, Uses]:
    """Returns the state of a limited key and who uses it. Raises as `limits.get` does."""
    view = get(principal, system, text)
    with database.reading():
        running = limits.running_uses(view.key, MAX_SHOWN)
        span = timedelta(0) if view.rate is None else view.rate.span
        ended = limits.ended_uses(view.key, system.clock.now() - span, MAX_SHOWN) if view.rate else []
        shown = _shown(principal, {one.run_id for one in running} | {run_id for run_id, _ in ended})
        ends = _ends_by(system, [one for one in running if one.run_id in shown])
    return view, Uses(
        [UnderWay(shown[run_id], ends_by) for run_id, ends_by in ends.items()],
        [StillCounted(shown[run_id], at, at + span) for run_id, at in ended if run_id in shown],
    )


def _shown(principal: Principal, run_ids: Collection[UUID]) -> dict[UUID, RunView]:
    seen = visible_runs(principal, run_ids)
    return {one.id: run_view(one) for one in lists.runs_by_ids(seen)}


def _ends_by(system: System, uses: Collection[RunningUse]) -> dict[UUID, datetime | None]:
    former = versions.kept({(one.job_id, one.job_version) for one in uses if one.job_version != one.newest_version})
    return {one.run_id: _end(system, one, former.get((one.job_id, one.job_version), {})) for one in uses}


def _end(system: System, use: RunningUse, former: Mapping[str, Any]) -> datetime | None:
    """Returns when a call ends at the latest; `former` is the definition of its run, if that is not the newest."""
    if use.reports_until is not None:
        return use.lease_expires_at
    if use.claimed_at is None:
        return None
    limit = former.get("time_limit_seconds", use.time_limit_seconds)
    usual = registry.time_limit(system.settings, former.get("task_type", use.task_type))
    return use.claimed_at + timedelta(seconds=limit or usual)
