"""Pause and resume an app, or everything. `services.jobs.lifecycle` pauses single jobs.

A pause may have an end, at which `services.jobs.pause_endings` resumes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from core import instants
from core.auditing import INSTALLATION, Thing
from core.errors import DatabaseUnavailable
from core.pauses import expect_until
from core.principals import SYSTEM, Principal
from core.scopes import Scope
from core.states import Hold, RunStatus
from models import apps, database, jobs, pause_ends, pauses, signals
from models.pauses import Gate
from models.runs import NewRun
from models.set_based import LOOK, chunks
from models.tables import App, Job
from services.access import visible_apps
from services.messaging.unit_of_work import UnitOfWork
from services.runtime.batching import one_by_one
from services.system import System

PAUSE_IS_OVER = "the pause had an end"
_MARK = "pause:"
_BROKEN_OFF_AFTER = timedelta(seconds=60)
log = structlog.get_logger()


def pause_app(
    principal: Principal, system: System, name: str, reason: str | None = None, *, until: datetime | None = None
) -> None:
    """Pause an app: none of its runs starts until it is resumed, at the latest at `until`. Jobs keep their own pauses.

    Runs that come due are held from now on; runs that are already due are held in groups before this returns. A second
    pause replaces the instant. Raises `NotFound`, or `InvalidInput` for an impossible instant.
    """
    with system.transaction(Gate.CLOSED) as unit:
        now = unit.now
        expect_until(until, now)
        app = visible_apps.found(principal, name, Scope.OPERATE)
        pauses.set_app(app, app.paused_at or now, now, until)
        unit.audit(principal, "app.paused", Thing.app(app), after=_recorded(until), reason=reason)
        _settle_later(system, unit, app)


def resume_app(principal: Principal, system: System, name: str) -> None:
    """Resume an app, except its jobs that are paused themselves. Raises `NotFound`."""
    with system.transaction(Gate.CLOSED) as unit:
        app = visible_apps.found(principal, name, Scope.OPERATE)
        _resume_app(principal, unit, app)
        _settle_later(system, unit, app)


def pause_everything(
    principal: Principal, system: System, reason: str | None = None, *, until: datetime | None = None
) -> None:
    """Pause everything: no run of any app starts until everything is resumed, at the latest at `until`.

    A second pause replaces the instant. Raises `InvalidInput` for an impossible instant.
    """
    principal.expect_administration()
    with system.transaction(Gate.CLOSED) as unit:
        expect_until(until, unit.now)
        pauses.set_everything(pauses.everything_paused_at() or unit.now, until)
        unit.audit(principal, "installation.paused", INSTALLATION, after=_recorded(until), reason=reason)
        _settle_later(system, unit, None)


def resume_everything(principal: Principal, system: System) -> None:
    """Resume everything, except apps and jobs that are paused themselves."""
    principal.expect_administration()
    with system.transaction(Gate.CLOSED) as unit:
        _resume_everything(principal, unit)
        _settle_later(system, unit, None)


def end_pause_of_app(system: System, app_id: UUID, *, release_later: bool = False) -> None:
    """Resume an app whose pause was to end by now; does nothing if it was paused again or resumed meanwhile.

    Releases its runs before it returns, or leaves that to `settle_left_behind`.
    """
    with system.transaction(Gate.CLOSED) as unit:
        app = apps.by_id(app_id)
        if not pause_ends.come([app_id], unit.now):
            return
        if app is None or app.paused_at is None:
            pause_ends.drop([app_id])
            return
        _resume_app(SYSTEM, unit, app, reason=PAUSE_IS_OVER)
        _release(system, unit, app, later=release_later)


def end_pause_of_everything(system: System, *, release_later: bool = False) -> None:
    """Resume everything if its pause was to end by now, as `end_pause_of_app` does an app."""
    with system.transaction(Gate.CLOSED) as unit:
        if pause_ends.come([pause_ends.EVERYTHING], unit.now):
            _resume_everything(SYSTEM, unit, reason=PAUSE_IS_OVER)
            _release(system, unit, None, later=release_later)


def release_later(unit: UnitOfWork, app_ids: Collection[UUID | None]) -> None:
    """Leave it to `settle_left_behind` to release the runs of these apps, or (None) of all, right after the commit."""
    signals.mark_all([_mark(app_id) for app_id in app_ids], unit.now - _BROKEN_OFF_AFTER)


def settle_left_behind(system: System) -> int:
    """Finish pauses and resumes that a dead process left unfinished, or that were deferred. Returns how many."""
    before = system.clock.now() - _BROKEN_OFF_AFTER
    with database.reading():
        left = {name: at for name, at in signals.seen().items() if name.startswith(_MARK) and at <= before}

    def settle(name: str) -> int:
        app_id = name.removeprefix(_MARK)
        _settle(system, UUID(app_id) if app_id else None, left[name])
        return 1

    return one_by_one(settle, list(left))


def held_if_paused(of_jobs: Collection[Job], rows: Iterable[NewRun]) -> list[NewRun]:
    """Returns runs that are about to be stored, the due ones held if their job is paused or was restored.

    Call it in a transaction that shares the gate.
    """
    holds = pauses.holds(of_jobs)
    return [held_if_due(row, holds.get(row["job"])) for row in rows]


def held_if_due(row: NewRun, hold: Hold | None) -> NewRun:
    """Returns a run that is about to be stored, held if it is due and there is a reason."""
    return row if hold is None or row["status"] != RunStatus.QUEUED else row | {"held_by": hold}


def _resume_app(principal: Principal, unit: UnitOfWork, app: App, *, reason: str | None = None) -> None:
    pauses.set_app(app, None, unit.now)
    unit.audit(principal, "app.resumed", Thing.app(app), reason=reason)


def _resume_everything(principal: Principal, unit: UnitOfWork, *, reason: str | None = None) -> None:
    pauses.set_everything(None)
    unit.audit(principal, "installation.resumed", INSTALLATION, reason=reason)


def _release(system: System, unit: UnitOfWork, app: App | None, *, later: bool) -> None:
    if later:
        release_later(unit, [None if app is None else app.id])
    else:
        _settle_later(system, unit, app)


def _settle_later(system: System, unit: UnitOfWork, app: App | None) -> None:
    """Settle the runs of an app, or of all, after the commit; the signal records that this is still to be done."""
    app_id = None if app is None else app.id
    signals.mark(_mark(app_id), unit.now)
    database.after_commit(partial(_settle_or_leave, system, app_id, unit.now))


def _recorded(until: datetime | None) -> dict[str, Any] | None:
    return None if until is None else {"until": instants.shown(until)}


def _mark(app_id: UUID | None) -> str:
    """Returns the signal that exists for as long as runs of an app, or of all, are still to be held or released."""
    return f"{_MARK}{app_id or ''}"


def _settle_or_leave(system: System, app_id: UUID | None, marked_at: datetime) -> None:
    """Settle; if the database fails, leave the rest to `settle_left_behind`: the change itself is in force.

    If that cannot be recorded either, `settle_left_behind` finds the signal a minute later.
    """
    try:
        _settle(system, app_id, marked_at)
    except DatabaseUnavailable as error:
        log.warning("pause_settling_failed", app_id=app_id and str(app_id), error=str(error))
        with suppress(DatabaseUnavailable), system.transaction(Gate.UNUSED):
            signals.move(_mark(app_id), marked_at, marked_at - _BROKEN_OFF_AFTER)


def _settle(system: System, app_id: UUID | None, marked_at: datetime) -> None:
    """Hold the due runs of an app, or of all, that are paused, and release those that are not, in groups.

    Each group reads the pauses again, since one may have ended meanwhile. The gate stays open for everybody. Locks of
    others are waited for when all other runs are settled.
    """
    for held_by in (None, Hold.PAUSED):
        while _settle_some(system, app_id, held_by):
            pass
    with system.transaction(Gate.UNUSED):
        signals.forget(_mark(app_id), marked_at)


def _settle_some(system: System, app_id: UUID | None, held_by: Hold | None) -> int:
    """Settle some of the runs that have this hold but should have another. Returns how many; 0: none is left."""
    with database.reading():
        groups = list(chunks(pauses.unsettled(app_id, held_by, LOOK)))
    free = sum(_settle_group(system, group, held_by, waits_for_locks=False) for group in groups)
    return free or sum(_settle_group(system, group, held_by, waits_for_locks=True) for group in groups)


def _settle_group(
    system: System, group: Sequence[tuple[UUID, UUID]], held_by: Hold | None, *, waits_for_locks: bool
) -> int:
    with system.transaction() as unit:
        locked = jobs.lock({job_id for _, job_id in group}, skip_locked=not waits_for_locks)
        holds = pauses.holds(locked.values())
        wanted: dict[Hold | None, list[UUID]] = defaultdict(list)
        for run_id, job_id in group:
            if job_id in locked:
                wanted[holds.get(job_id)].append(run_id)
        count = 0
        if held_by is None:
            count += pauses.hold_runs(wanted[Hold.PAUSED], unit.now, skip_locked=not waits_for_locks)
        else:
            freed = pauses.release_runs(wanted[None], None, unit.now)
            unit.ring(freed)
            count += len(freed) + len(pauses.release_runs(wanted[Hold.RESTORED], Hold.RESTORED, unit.now))
    return count
