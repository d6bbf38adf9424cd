"""What is measured: each operation as its service is called in production, and what it needs beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bench.servers import Place
from core.filters import JobFilter, RunFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL
from services.execution import claiming, workers
from services.maintenance.pruning import Pruning
from services.messaging.broker import RUNS_HTTP
from services.reading import backlog, listing, records
from services.reading.counting import Counts
from services.reading.failures import failed_runs
from services.reading.statistics import job_statistics, minute_statistics
from services.scheduling import dispatching, planning
from services.system import System

CLAIMED_TOGETHER = 8
_PAGE = 50
_DUE = 200
_OLD = 200
_MAKE_DUE = """
    UPDATE runs SET due_at = now() WHERE id IN (
        SELECT id FROM runs WHERE status IN ('pending', 'retrying') ORDER BY due_at DESC LIMIT %s)
"""
_TO_PLAN = """
    UPDATE jobs SET next_run_at = now() WHERE id IN (
        SELECT id FROM jobs WHERE schedule_kind = 'interval' AND next_run_at IS NOT NULL LIMIT %s)
"""
_MAKE_OLD = """
    UPDATE runs SET finished_at = now() - INTERVAL '60 days' WHERE id IN (
        SELECT id FROM runs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT %s)
"""


@dataclass(frozen=True)
class Operation:
    """One operation: what is called, and what is done before each call, which is not timed."""

    name: str
    call: Callable[[], Any]
    prepare: Callable[[], Any] = field(default=lambda: None)


def operations(place: Place, system: System, job_id: UUID) -> list[Operation]:
    """Returns the operations on a filled database; the job has ended."""
    worker = workers.register(system)
    counts = _counts(system)
    due: list[UUID] = []

    def find_due() -> None:
        place.query(_MAKE_DUE, (_DUE,))
        due[:] = [run_id for run_id, _ in dispatching.due_soon(system)]

    return [
        Operation("claim of 8", lambda: claiming.claim(system, worker, RUNS_HTTP, CLAIMED_TOGETHER)),
        Operation("plan of 200 jobs", lambda: planning.plan(system), lambda: place.query(_TO_PLAN, (_DUE,))),
        Operation("look for due runs", lambda: dispatching.due_soon(system), lambda: place.query(_MAKE_DUE, (_DUE,))),
        Operation("make 200 due", lambda: dispatching.make_due(system, due), find_due),
        Operation("list of jobs, a page", lambda: listing.jobs(LOCAL, _counts(system), JobFilter(), *_first_page())),
        Operation(
            "list of runs, a page", lambda: listing.runs(LOCAL, _counts(system), RunFilter(), Stretch(limit=_PAGE))
        ),
        Operation("two pages of jobs, counted before", lambda: _two_pages(counts)),
        Operation("status of a job", lambda: records.job_with_log(LOCAL, job_id)),
        Operation("statistics of jobs", lambda: job_statistics.of_jobs(LOCAL, JobFilter())),
        Operation("count of the backlog", lambda: backlog.read(system)),
        Operation("figures of an hour", lambda: minute_statistics.series(LOCAL, system, 60)),
        Operation("failures of a day", lambda: failed_runs.grouped(LOCAL, system, 24)),
        Operation("a pass of pruning", lambda: Pruning(system).turn(), lambda: place.query(_MAKE_OLD, (_OLD,))),
    ]


def _counts(system: System) -> Counts:
    return Counts(system.clock)  # a process that has counted nothing yet


def _first_page() -> tuple[Any, Stretch]:
    return NEWEST_FIRST, Stretch(limit=_PAGE)


def _two_pages(counts: Counts) -> Any:
    first = listing.jobs(LOCAL, counts, JobFilter(), *_first_page())
    return listing.jobs(LOCAL, counts, JobFilter(), NEWEST_FIRST, Stretch(limit=_PAGE, after=first.last))
