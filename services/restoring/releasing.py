"""Release what is held since the database was taken back: in slices, or the rest of an app with the app itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

from core.auditing import INSTALLATION, Thing
from core.principals import Principal
from core.scopes import Scope
from core.states import Hold, JobState, RunStatus
from models import database, installation, jobs, pauses, restores, runs
from models.pauses import Gate
from models.set_based import LOOK, chunks
from models.tables import Job, Run
from services.access import visible_apps
from services.messaging.unit_of_work import UnitOfWork
from services.requests.idempotency import Request, answered, once
from services.restoring import holding
from services.runtime.batching import Pass, free_in_parts
from services.scheduling import overlap_queue, run_endings
from services.system import System

DISCARDED = "discarded after a restore: it may have run before"

_FoundRun = tuple[UUID, UUID]
_Found = Sequence[_FoundRun]


@dataclass(frozen=True)
class Slice:
    """What to release: of one app or of all, a number of runs (longest due first) or the rest.

    `begun` chooses only those that had begun before the backup, or only those that had not. With `discard`, the
    runs are cancelled instead. Without a number of runs and without `begun`, the app itself goes on.
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
    """Who releases what of which app (None: of all), and why; with an idempotency key, each part of it once."""

    principal: Principal
    app_id: UUID | None
    thing: Thing
    wanted: Slice
    reason: str | None
    request: Request | None

    def part(self, name: str) -> Request | None:
        """Returns a part of the request that has a transaction of its own; None without a key."""
        return self.request and self.request.part(name)

    def record(self, unit: UnitOfWork, action: str, count: int | None = None) -> None:
        """Record an action, and how many runs it was on."""
        after = None if count is None else {"runs": count}
        unit.audit(self.principal, action, self.thing, after=after, reason=self.reason)


def release(
    principal: Principal, system: System, wanted: Slice, reason: str | None = None, request: Request | None = None
) -> int:
    """Release or discard a slice. Returns how many runs. Raises `NotFound` for an unknown app.

    With a key, a repeated request releases nothing more: it continues where the first one stopped, or shares its work.
    """
    principal.expect_administration()
    holding.go_on(system)  # or what is released would be held again
    order = _Order(principal, *_of(principal, wanted.app_name), wanted, reason, request)
    begun = once(system, order.part("begin"), lambda: _begin(system, order))
    count = _in_passes(system, order, begun)
    if wanted.is_the_rest and wanted.discard:
        once(system, order.part(f"{begun} end"), lambda: _let_go_on(system, order))
    _end_if_over(system)
    return count


def release_left_behind(system: System) -> int:
    """Release runs that are still held though their apps are not: a release that was broken off. Returns how many.

    Those of jobs that others have locked are left to the next call. Ends the restore, if nothing is held any more.
    Without a restore on record nothing is looked for.
    """
    with database.reading():
        found = restores.left_behind(LOOK) if installation.state().restored_at is not None else []
    count = sum(free_in_parts(partial(_release_briefly, system), part).count for part in chunks(found))
    _end_if_over(system)
    return count


def _of(principal: Principal, app_name: str | None) -> tuple[UUID | None, Thing]:
    if app_name is None:
        return None, INSTALLATION
    with database.reading():
        app = visible_apps.found(principal, app_name, Scope.OPERATE)
    return app.id, Thing.app(app)


def _begin(system: System, order: _Order) -> str:
    """Begin a release. Returns an id for its parts: a key that is used again a day later shares none of them."""
    if order.wanted.is_the_rest and not order.wanted.discard:
        _let_go_on(system, order)
    return str(uuid4())


def _let_go_on(system: System, order: _Order) -> None:
    """Release the app: from here on its runs start when they come due."""
    with system.transaction(Gate.CLOSED) as unit:
        restores.release_apps(order.app_id)
        order.record(unit, "restore.ended")


def _end_if_over(system: System) -> None:
    with database.reading():
        may_be_over = installation.may_restore_be_over()
    if may_be_over:
        with system.transaction(Gate.CLOSED):
            if not restores.left_behind(1):
                installation.end_restore_if_over()


def _in_passes(system: System, order: _Order, begun: str) -> int:
    """Release or discard in passes, each with a transaction and an entry of its own. Returns how many runs.

    Passes are numbered: only one of the requests with the same key carries out a pass, and all count what it released.
    """
    wanted, count, number = order.wanted, 0, 0
    while True:
        while (earlier := answered(system, order.part(f"{begun} {number}"))) is not None:
            count, number = count + earlier, number + 1
        room = LOOK if wanted.most is None else min(LOOK, wanted.most - count)
        with database.reading():
            found = restores.first_held(order.app_id, begun=wanted.begun, limit=room) if room else []
        if not found:
            return count
        for part in chunks(found):
            one = _Pass(system, order, part)
            count, number = count + once(system, order.part(f"{begun} {number}"), one.carry_out), number + 1
            if not one.is_carried_out:  # but by another request, which may have released what was found here
                break


class _Pass:
    """A pass of a release, and whether it was carried out here."""

    def __init__(self, system: System, order: _Order, found: _Found) -> None:
        self._system = system
        self._order = order
        self._found = found
        self.is_carried_out = False

    def carry_out(self) -> int:
        """Release or discard the runs. Returns how many."""
        self.is_carried_out = True
        wanted = self._order.wanted
        with self._system.transaction() as unit:
            locked = jobs.lock(job_id for _, job_id in self._found)
            held = _lock_held(self._found, locked)
            (_discard if wanted.discard else _release)(self._system, unit, held, locked)
            self._order.record(unit, "restore.discarded" if wanted.discard else "restore.released", len(held))
        return len(held)


def _release_briefly(system: System, found: _Found, *, waits_for_locks: bool) -> Pass[_FoundRun]:
    """Release those of these runs that are still held; without `waits_for_locks`, of jobs that nobody has locked."""
    with system.transaction() as unit:
        locked, passed_over = jobs.lock_briefly({job_id for _, job_id in found}, waits_for_locks=waits_for_locks)
        held = _lock_held(found, locked)
        _release(system, unit, held, locked)
    return Pass(len(held), {job_id: [one for one in found if one[1] == job_id] for job_id in passed_over})


def _lock_held(found: _Found, locked: Collection[UUID]) -> list[Run]:
    """Lock those of these runs of locked jobs that are still held."""
    return restores.lock_held([run_id for run_id, job_id in found if job_id in locked])


def _release(_system: System, unit: UnitOfWork, held: Sequence[Run], locked: dict[UUID, Job]) -> None:
    paused = pauses.paused(locked.values())
    restores.release([run for run in held if run.job_id in paused], Hold.PAUSED, unit.now)
    free = [run for run in held if run.job_id not in paused]
    restores.release(free, None, unit.now)
    unit.ring_claimable(free)


def _discard(system: System, unit: UnitOfWork, held: Sequence[Run], locked: dict[UUID, Job]) -> None:
    """Cancel the runs; jobs that have no other to come end, and those that waited for these have their turn."""
    runs.end_unstarted({run.id: (RunStatus.CANCELLED, DISCARDED) for run in held}, unit.now)
    run_endings.end_if_over([(job, JobState.CANCELLED) for job in locked.values()], unit.now)
    unit.ring(overlap_queue.give(system, locked))
