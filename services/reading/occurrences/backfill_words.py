"""Whether a backfill made up for an occurrence that did not run, in words."""

from __future__ import annotations

from datetime import datetime

from core.principals import Principal
from core.states import DID_NOT_RUN, LIVE, RunStatus
from models import history
from models.tables import Run
from services.scheduling import due_runs


def by(principal: Principal, run: Run, at: datetime) -> Run | None:
    """Returns the newest backfill of an occurrence that did not run; None if there is none, or if it ran."""
    if run.status not in DID_NOT_RUN:
        return None
    return history.backfill_of(run.job_id, at, run.id, principal.account_id)


def in_words(run: Run, other: Run | None) -> str:
    """Returns what the answer about an occurrence says of its backfill, after a space; empty if it says nothing."""
    if other is not None:
        return f" {_of(other)}"
    was_paused = run.status == RunStatus.SKIPPED and run.reason == due_runs.PAUSED
    return " A backfill can make up for it." if was_paused else ""


def _of(other: Run) -> str:
    if other.status in LIVE:
        return f"A backfill of it is under way: the run {other.id}."
    if other.status == RunStatus.COMPLETED:
        return f"A backfill made up for it: the run {other.id} completed."
    return f"Its backfill did not make up for it: the run {other.id} is {other.status}."
