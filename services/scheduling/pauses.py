"""Pause and resume an app, or everything. `services.jobs.lifecycle` pauses single jobs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.auditing import INSTALLATION, Thing
from core.principals import Principal
from core.scopes import Scope
from core.states import Hold, RunStatus
from models import database, pauses
from models.pauses import Gate
from models.tables import App, Job, Run
from services.access import visible_apps
from services.system import System


@dataclass(frozen=True)
class InstallationView:
    """What holds for all apps at once."""

    paused_at: datetime | None


def pause_app(principal: Principal, system: System, name: str, reason: str | None = None) -> None:
    """Pause an app: none of its runs starts until it is resumed. Jobs keep their own pauses. Raises `NotFound`."""
    with system.transaction(Gate.CLOSED) as work:
        now = work.now
        app = visible_apps.found(principal, name, Scope.OPERATE)
        if app.paused_at is None:
            pauses.set_app(app, now, now)
        pauses.hold([job.id for job in pauses.lock_with_due_runs(app, None)], now)
        work.audit(principal, "app.paused", Thing.app(app), reason=reason)


def resume_app(principal: Principal, system: System, name: str) -> None:
    """Resume an app, except its jobs that are paused themselves. Raises `NotFound`."""
    now = system.clock.now()

    def change() -> App:
        app = visible_apps.found(principal, name, Scope.OPERATE)
        pauses.set_app(app, None, now)
        return app

    _resume(principal, system, change)


def pause_everything(principal: Principal, system: System, reason: str | None = None) -> None:
    """Pause everything: no run of any app starts until everything is resumed."""
    principal.expect_administration()
    with system.transaction(Gate.CLOSED) as work:
        if pauses.everything_paused_at() is None:
            pauses.set_everything(system.clock.now())
        pauses.hold([job.id for job in pauses.lock_with_due_runs(None, None)], work.now)
        work.audit(principal, "installation.paused", INSTALLATION, reason=reason)


def resume_everything(principal: Principal, system: System) -> None:
    """Resume everything, except apps and jobs that are paused themselves."""
    principal.expect_administration()
    _resume(principal, system, lambda: pauses.set_everything(None))


def installation(principal: Principal) -> InstallationView:
    """What holds for all apps at once."""
    principal.expect_administration()
    with database.reading():
        return InstallationView(pauses.everything_paused_at())


def held_if_paused(jobs: Collection[Job], rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns runs that are about to be stored, with the due ones held if their job is paused or was restored.

    Call it in a transaction that shares the gate.
    """
    holds = pauses.holds(jobs)
    return [_held(row, holds.get(row["job"])) for row in rows]


def _held(row: dict[str, Any], hold: Hold | None) -> dict[str, Any]:
    return row if hold is None or row["status"] != RunStatus.QUEUED else row | {"held_by": hold}


def _released(jobs: Collection[Job], now: datetime) -> list[Run]:
    """Release the runs of locked jobs from a pause that is over. Returns those that nothing else holds."""
    holds = pauses.holds(jobs)
    pauses.release([job for job in jobs if holds.get(job.id) is Hold.RESTORED], Hold.RESTORED, now)
    return pauses.release([job for job in jobs if job.id not in holds], None, now)


def _resume(principal: Principal, system: System, change: Callable[[], App | None]) -> None:
    """Make the change, then put back into the claim what no other pause holds, and ring for it."""
    with system.transaction(Gate.CLOSED) as work:
        app = change()
        held = pauses.lock_with_due_runs(app, Hold.PAUSED)
        freed = _released(held, work.now)
        thing = INSTALLATION if app is None else Thing.app(app)
        work.audit(principal, f"{thing.kind}.resumed", thing)
        work.ring(freed)
