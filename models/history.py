"""Queries on what happened to a job at an instant that has passed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from core.states import NEVER_FIRED, RunStatus, Trigger
from models.tables import JobVersion, Run


def run_of(job_id: UUID, at: datetime, within: timedelta, account_id: str | None) -> Run | None:
    """Returns the run with this nominal instant, or one shortly after it; the schedule's own run is preferred.

    If an account is given, only runs that were made for it are considered.
    """
    query = _of_account(Run.select().where(Run.job == job_id), account_id)
    query = query.where(Run.scheduled_for >= at, Run.scheduled_for < at + within)
    found: Run | None = query.order_by((Run.trigger == Trigger.SCHEDULE).desc(), Run.scheduled_for, Run.id).first()
    return found


def runs_around(job_id: UUID, at: datetime, account_id: str | None) -> tuple[datetime | None, datetime | None]:
    """Returns the nominal instants of a job's runs just before and just after an instant, as `run_of`."""
    runs = _of_account(Run.select(Run.scheduled_for), account_id).where(Run.job == job_id)
    before = runs.where(Run.scheduled_for < at).order_by(Run.scheduled_for.desc()).first()
    after = runs.where(Run.scheduled_for > at).order_by(Run.scheduled_for).first()
    return before and before.scheduled_for, after and after.scheduled_for


def gap_before(job_id: UUID, at: datetime, account_id: str | None) -> Run | None:
    """Returns the newest row no later than an instant that stands for several missed occurrences, as `run_of`."""
    gaps = _of_account(Run.select(), account_id).where(
        Run.job == job_id, Run.status == RunStatus.MISSED, Run.occurrences > 1
    )
    found: Run | None = gaps.where(Run.scheduled_for <= at).order_by(Run.scheduled_for.desc()).first()
    return found


def backfill_of(job_id: UUID, at: datetime, but: UUID, account_id: str | None) -> Run | None:
    """Returns the newest run that a backfill made, or made again, for an occurrence, as `run_of`."""
    made = (Run.job == job_id) & (Run.scheduled_for == at) & (Run.id != but)
    query = _of_account(Run.select().where(made, Run.trigger.in_((Trigger.BACKFILL, Trigger.RETRY))), account_id)
    found: Run | None = query.order_by(Run.id.desc()).first()
    return found


def going_at(job_id: UUID, at: datetime, but: UUID) -> Run | None:
    """Returns another run of the job that was due before an instant, and not over by then."""
    was_due = (Run.job == job_id) & (Run.id != but) & (Run.scheduled_for <= at)
    was_going = Run.status.not_in((RunStatus.PENDING, *NEVER_FIRED))
    not_over = Run.finished_at.is_null() | (Run.finished_at >= at)
    found: Run | None = Run.select().where(was_due, was_going, not_over).order_by(Run.scheduled_for.desc()).first()
    return found


def definition_at(job_id: UUID, at: datetime) -> dict[str, Any] | None:
    """Returns a job's definition as it was at an instant; None if that is the current one."""
    replaced_later = JobVersion.select().where(JobVersion.job == job_id, JobVersion.replaced_at > at)
    found = replaced_later.order_by(JobVersion.version).first()
    return None if found is None else found.definition


LOOKED_THROUGH = 2_000


class PastRun(NamedTuple):
    """The shown data of a run that was made for an occurrence."""

    id: UUID
    account_id: str
    scheduled_for: datetime
    trigger: Trigger
    status: RunStatus
    late_at: datetime | None
    occurrences: int


def newest_come(job_id: UUID, limit: int) -> list[PastRun]:
    """Returns the runs of a job that have come due and were not triggered by hand, newest first.

    Only the newest 2,000 runs of the job are searched, so that many runs triggered by hand do not make it slow.
    """
    columns: Any = (Run.id, Run.account_id, Run.scheduled_for, Run.trigger, Run.status, Run.late_at, Run.occurrences)
    some = Run.select(*columns).where(Run.job == job_id).order_by(Run.id.desc()).limit(LOOKED_THROUGH).alias("some")
    shown = [getattr(some.c, column.column_name) for column in columns]
    query: Any = Run.select(*[one.converter(column.python_value) for one, column in zip(shown, columns, strict=True)])
    query = query.from_(some).where(some.c.trigger != Trigger.MANUAL.value, some.c.status != RunStatus.PENDING.value)
    return [PastRun(*row) for row in query.order_by(some.c.id.desc()).limit(limit).tuples()]


def _of_account(query: Any, account_id: str | None) -> Any:
    return query if account_id is None else query.where(Run.account_id == account_id)
