"""Release what is held since the database was taken back: in slices, or the rest of an app with the app itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.auditing import INSTALLATION, Thing
from core.principals import Principal
from core.scopes import Scope
from core.states import Hold, JobState, RunStatus
from models import database, installation, jobs, pauses, restores, runs
from models.pauses import Gate
from models.set_based import chunks
from models.tables import Job, Run
from services.access import visible_apps
from services.messaging.unit_of_work import UnitOfWork
from services.scheduling import overlap_queue, run_endings
from services.system import System

DISCARDED = "discarded after a restore: it may have run before"
LOOK = 20_000
"""How many held runs are looked for at once: to find them, all that waits is read."""

_Found = Sequence[tuple[UUID, UUID]]


@dataclass(frozen=True)
class Slice:
    """What to release: of one app or of all, so many runs (longest due first) or the rest.

    `begun` chooses those alone that had begun before the backup, or had not. With `discard`, the runs are cancelled
    instead. Without a number of runs and without `begun`, the app itself goes on.
    """

    app_name: str | None = None
    most: int | None = None
    begun: bool | None = None
    discard: bool = False

    @property
    def is_the_rest(self) -> bool:
        """Whether nothing of the app stays held."""
        return self.most is None and self.begun is None


@dataclass(frozen=True)
class _Order:
    """Who releases what of which app (None: of all), and why."""

    principal: Principal
    app_id: UUID | None
    thing: Thing
    wanted: Slice
    reason: str | None

    def record(self, work: UnitOfWork, action: str, count: int | None = None) -> None:
        """Record an action, and how many runs it was on."""
        after = None if count is None else {"runs": count}
        work.audit(self.principal, action, self.thing, after=after, reason=self.reason)


def release(principal: Principal, system: System, wanted: Slice, reason: str | None = None) -> int:
    """Release or discard a slice. Returns how many runs. Raises `NotFound` for an unknown app."""
    principal.expect_administration()
    order = _Order(principal, *_of(principal, wanted.app_name), wanted, reason)
    if wanted.is_the_rest and not wanted.discard:
        _let_go_on(system, order)
    count = _in_passes(system, order)
    if wanted.is_the_rest and wanted.discard:
        _let_go_on(system, order)
    _end_if_over(system)
    return count


def release_left_behind(system: System) -> int:
    """Release runs that are still held though their apps are not: a release that was broken off. Returns how many.

    Ends the restore, if nothing is held any more. Without a restore on record nothing is looked for.
    """
    with database.reading():
        found = restores.left_behind(LOOK) if installation.state().restored_at is not None else []
    count = sum(_pass(system, part, _release) for part in chunks(found))
    _end_if_over(system)
    return count


def _of(principal: Principal, app_name: str | None) -> tuple[UUID | None, Thing]:
    if app_name is None:
        return None, INSTALLATION
    with database.reading():
        app = visible_apps.found(principal, app_name, Scope.OPERATE)
    return app.id, Thing.app(app)


def _let_go_on(system: System, order: _Order) -> None:
    """Release the app: from here on its runs start when they come due."""
    with system.transaction(Gate.CLOSED) as work:
        restores.release_apps(order.app_id)
        order.record(work, "restore.ended")


def _end_if_over(system: System) -> None:
    with database.reading():
        may_be_over = installation.may_restore_be_over()
    if may_be_over:
        with system.transaction(Gate.CLOSED):
            if not restores.left_behind(1):
                installation.end_restore_if_over()


def _in_passes(system: System, order: _Order) -> int:
    """Release or discard in passes, each with a transaction and an entry of its own. Returns how many runs."""
    wanted, count = order.wanted, 0
    while True:
        room = LOOK if wanted.most is None else min(LOOK, wanted.most - count)
        with database.reading():
            found = restores.first_held(order.app_id, begun=wanted.begun, limit=room) if room else []
        if not found:
            return count
        act = _discard if wanted.discard else _release
        count += sum(_pass(system, part, act, order) for part in chunks(found))


_Act = Callable[[System, UnitOfWork, Sequence[Run], dict[UUID, Job]], None]


def _pass(system: System, found: _Found, act: _Act, order: _Order | None = None) -> int:
    """Act on those of these runs that are still held, in one transaction. Returns how many."""
    with system.transaction() as work:
        locked = jobs.lock(job_id for _, job_id in found)
        held = restores.lock_held([run_id for run_id, _ in found])
        act(system, work, held, locked)
        if order is not None:
            order.record(work, "restore.discarded" if order.wanted.discard else "restore.released", len(held))
    return len(held)


def _release(_system: System, work: UnitOfWork, held: Sequence[Run], locked: dict[UUID, Job]) -> None:
    paused = pauses.paused(locked.values())
    restores.release([run for run in held if run.job_id in paused], Hold.PAUSED, work.now)
    free = [run for run in held if run.job_id not in paused]
    restores.release(free, None, work.now)
    work.ring_claimable(free)


def _discard(system: System, work: UnitOfWork, held: Sequence[Run], locked: dict[UUID, Job]) -> None:
    """Cancel the runs; jobs that have no other to come end, and those that waited for these have their turn."""
    runs.end_unstarted({run.id: (RunStatus.CANCELLED, DISCARDED) for run in held}, work.now)
    run_endings.end_if_over([(job, JobState.CANCELLED) for job in locked.values()], work.now)
    work.ring(overlap_queue.give(system, locked))
