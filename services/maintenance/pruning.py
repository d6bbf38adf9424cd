"""Prune: delete what has outlived its time, in passes of bounded size.

A sweep goes once through the ended runs from the oldest on, then through all jobs, remembering where it is: what is
kept though it is old is looked at once a sweep, not in every pass. `core.keeping` decides what goes. Where history is
archived, runs are stored before they are deleted, while no transaction waits for the bucket.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core.errors import StorageUnavailable
from core.keeping import is_dispensable, kept_newest, kept_since
from models import alerts, database, processes, pruning, versions, workers
from models.pauses import Gate
from models.pruning import OldRun, SweptJob
from services.access import shared_quotas
from services.archive import storing
from services.email import outbox
from services.maintenance import figures
from services.requests import idempotency
from services.runtime import faults
from services.system import System

WINDOW = 500  # rows that one pass looks at, or deletes
GATHERED = 5_000  # runs that are stored in the archive together
_WORKER_KEPT = timedelta(days=1)


class Pruning:
    """Takes one pass after the other of a sweep."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._passes: Iterator[int] | None = None

    def turn(self) -> bool:
        """Take the next pass. Returns whether more follow; after the last, the next turn begins a new sweep."""
        if self._passes is None:
            self._passes = sweep(self._system)
        try:
            goes_on = next(self._passes, None) is not None
        except BaseException:
            self._passes = None
            raise
        if not goes_on:
            self._passes = None
        return goes_on


def sweep(system: System) -> Iterator[int]:
    """Go once through everything: each step is one short pass, and gives how many rows it deleted.

    While the archive is away, runs stay and all else goes on; then it raises `StorageUnavailable` at its end.
    """
    away: StorageUnavailable | None = None
    try:
        yield from _runs(system)
        yield from _jobs(system)
    except StorageUnavailable as error:
        away = error
        yield from _jobs(system, by_own_rules=False)
    for one_pass in (_others, idempotency.prune, figures.prune, shared_quotas.prune):
        while pruned := one_pass(system):
            yield pruned
    if away is not None:
        raise away


def _runs(system: System) -> Iterator[int]:
    """Delete old runs of jobs without a rule of their own, longest over first.

    For the archive, many runs are gathered first, so that each app and day gets one large part and not many small ones.
    """
    before = _usually_kept_since(system)
    enough = GATHERED if system.settings.archive_history else 1
    going: list[OldRun] = []
    after: tuple[datetime, UUID] | None = None
    while True:
        with database.reading():
            found = pruning.ended_runs(after, before, WINDOW)
        going += _dispensable([run for run in found if not run.keep.is_given])
        if len(going) >= enough or len(found) < WINDOW:
            yield from _delete(system, going)
            going = []
        else:
            yield 0
        if len(found) < WINDOW:
            return
        after = found[-1].finished_at, found[-1].id


def _jobs(system: System, *, by_own_rules: bool = True) -> Iterator[int]:
    """Go through all jobs: delete runs by rules of their own, and jobs that ended long ago and have no runs left."""
    after: UUID | None = None
    while True:
        with system.transaction(Gate.UNUSED):
            found = pruning.swept_jobs(after, WINDOW)
            before = _usually_kept_since(system)
            old = [job.id for job in found if job.finished_at is not None and job.finished_at < before]
            pruned = pruning.delete_jobs_without_runs(old)
        yield pruned
        if by_own_rules:
            yield from _by_own_rules(system, [job for job in found if job.keep.is_given])
        if len(found) < WINDOW:
            return
        after = found[-1].id


def _by_own_rules(system: System, jobs: Sequence[SweptJob]) -> Iterator[int]:
    """Delete runs by their jobs' own rules: of several jobs together, so that the archive gets few parts."""
    going: list[OldRun] = []
    for job in jobs:
        for found in _beyond_own_rule(system, job):
            going += _dispensable(found)
            if len(going) >= WINDOW:
                yield from _delete(system, going)
                going = []
            else:
                yield 0
    yield from _delete(system, going)


def _beyond_own_rule(system: System, job: SweptJob) -> Iterator[list[OldRun]]:
    """Yields the runs that a job's own rule does not keep, a window at a time; each run once, deleted or not."""
    newest = kept_newest(job.keep, job_has_ended=job.has_ended)
    days = system.settings.keep_history_days
    before = kept_since(job.keep, system.clock.now(), days, job_has_ended=job.has_ended)
    below: UUID | None = None
    while True:
        with database.reading():
            found = pruning.beyond(job.id, newest, before, WINDOW, below)
        yield found
        if len(found) < WINDOW:
            return
        below = found[-1].id


def _dispensable(runs: Sequence[OldRun]) -> list[OldRun]:
    return [run for run in runs if is_dispensable(run.facts)]


def _delete(system: System, runs: Sequence[OldRun]) -> Iterator[int]:
    """Delete runs that may still go by the rules by which they were found; yields how many in each pass.

    Where history is archived, those that are stored there.
    """
    found_by = {run.id: run.keep for run in runs}
    going = list(found_by)
    if going and system.settings.archive_history:
        going = storing.store(system, going)
        faults.reach(faults.ARCHIVED)
    for first in range(0, len(going), WINDOW):
        with system.transaction(Gate.UNUSED):
            there = _dispensable(pruning.looked_at(going[first : first + WINDOW]))
            pruned = pruning.delete_runs([run.id for run in there if run.keep == found_by[run.id]])
        yield pruned


def _others(system: System) -> int:
    """Delete one batch of former versions, alerts, workers, other processes and e-mail."""
    before = _usually_kept_since(system)
    with system.transaction(Gate.UNUSED) as unit:
        pruned = versions.prune(before, WINDOW)
        pruned += alerts.prune(before, WINDOW)
        pruned += workers.prune(unit.now - _WORKER_KEPT)
        pruned += processes.prune(unit.now - _WORKER_KEPT)
    return pruned + outbox.prune(system.settings, before)


def _usually_kept_since(system: System) -> datetime:
    return system.clock.now() - timedelta(days=system.settings.keep_history_days)
