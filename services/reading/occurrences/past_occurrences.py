"""The newest past occurrences of a job, one by one, and the outcome of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.past_occurrences import Became, became
from core.principals import Principal
from core.states import RunStatus, Trigger
from models import database, history
from models.history import PastRun
from services.reading import visibility
from services.system import System

DAYS = 90
MOST = 1_000


@dataclass(frozen=True)
class PastOccurrence:
    """An occurrence and its run; if it was repeated, the newest run, unless that was cancelled and one completed.

    `occurrences`: how many missed occurrences this run represents.
    """

    scheduled_for: datetime
    became: Became
    run_id: UUID
    occurrences: int


def newest(principal: Principal, system: System, job_id: UUID, limit: int) -> list[PastOccurrence]:
    """Returns the newest occurrences of a job's last 90 days, up to a limit, newest first. Raises `NotFound`.

    Only the newest 2,000 runs of the job are searched.
    """
    now = system.clock.now()
    with database.reading():
        visibility.expect(principal, job_id)
        found = history.newest_come(job_id, limit)
    by_instant: dict[datetime, list[PastRun]] = {}
    for run in found:
        if run.scheduled_for >= now - timedelta(days=DAYS) and principal.sees_runs_of(run.account_id):
            by_instant.setdefault(run.scheduled_for, []).append(run)
    # Replays of manual runs are not occurrences.
    occurrences = [
        _occurrence(runs) for runs in by_instant.values() if any(run.trigger != Trigger.RETRY for run in runs)
    ]
    return sorted(occurrences, key=lambda one: one.scheduled_for, reverse=True)


def _occurrence(runs: list[PastRun]) -> PastOccurrence:
    newest_run = _counting(runs)
    return PastOccurrence(
        newest_run.scheduled_for, became(newest_run.status, newest_run.late_at), newest_run.id, newest_run.occurrences
    )


def _counting(runs: list[PastRun]) -> PastRun:
    """Returns the run that says what became of an occurrence: a cancelled repeat undoes no completion."""
    ran = next((run for run in runs if run.status != RunStatus.CANCELLED), runs[0])
    return ran if ran.status == RunStatus.COMPLETED else runs[0]
