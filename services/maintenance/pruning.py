"""Prune: delete what has outlived its time, in passes of bounded size.

A sweep goes once through the ended runs from the oldest on, then through all jobs, remembering where it is: what is
kept though it is old is looked at once a sweep, not in every pass. `core.keeping` decides what goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from core.keeping import is_dispensable, kept_newest, kept_since
from models import alerts, pruning, versions, workers
from models.pauses import Gate
from models.pruning import SweptJob
from services.access import shared_quotas
from services.email import outbox
from services.jobs import idempotency
from services.reading import statistics
from services.system import System

WINDOW = 500  # rows that one pass looks at, or deletes
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


def prune(system: System) -> int:
    """Prune all that has outlived its time. Returns how many rows were deleted."""
    return sum(sweep(system))


def sweep(system: System) -> Iterator[int]:
    """Go once through everything: each step is one short pass, and gives how many rows it deleted."""
    yield from _runs(system)
    yield from _jobs(system)
    for one_pass in (_others, idempotency.prune, statistics.prune, shared_quotas.prune):
        while pruned := one_pass(system):
            yield pruned


def _runs(system: System) -> Iterator[int]:
    """Delete old runs of jobs without a rule of their own, longest over first."""
    before = _usually_kept_since(system)
    after: tuple[datetime, UUID] | None = None
    while True:
        with system.transaction(Gate.UNUSED):
            found = pruning.ended_runs(after, before, WINDOW)
            going = [run.id for run in found if not run.keep.is_given and is_dispensable(run.facts)]
            pruned = pruning.delete_runs(going)
        yield pruned
        if len(found) < WINDOW:
            return
        after = found[-1].finished_at, found[-1].id


def _jobs(system: System) -> Iterator[int]:
    """Go through all jobs: delete runs by rules of their own, and jobs that ended long ago and have no runs left."""
    after: UUID | None = None
    while True:
        with system.transaction(Gate.UNUSED):
            found = pruning.swept_jobs(after, WINDOW)
            before = _usually_kept_since(system)
            old = [job.id for job in found if job.finished_at is not None and job.finished_at < before]
            pruned = pruning.delete_jobs_without_runs(old)
        yield pruned
        for job in found:
            if job.keep.is_given:
                yield from _by_own_rule(system, job)
        if len(found) < WINDOW:
            return
        after = found[-1].id


def _by_own_rule(system: System, job: SweptJob) -> Iterator[int]:
    newest = kept_newest(job.keep, job_has_ended=job.has_ended)
    while True:
        with system.transaction(Gate.UNUSED) as work:
            days = system.settings.keep_history_days
            before = kept_since(job.keep, work.now, days, job_has_ended=job.has_ended)
            found = pruning.beyond(job.id, newest, before, WINDOW)
            pruned = pruning.delete_runs([run.id for run in found if is_dispensable(run.facts)])
        yield pruned
        if len(found) < WINDOW or not pruned:
            return


def _others(system: System) -> int:
    """Delete one batch of former versions, alerts, workers and e-mail."""
    before = _usually_kept_since(system)
    with system.transaction(Gate.UNUSED) as work:
        pruned = versions.prune(before, WINDOW)
        pruned += alerts.prune(before, WINDOW)
        pruned += workers.prune(work.now - _WORKER_KEPT)
    return pruned + outbox.prune(system.settings, before)


def _usually_kept_since(system: System) -> datetime:
    return system.clock.now() - timedelta(days=system.settings.keep_history_days)
