"""Queries on runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import peewee

from core import fairness
from core.states import LIVE, Hold, RunStatus, Trigger
from models import changes, deferred, run_holds, set_based
from models.database import for_update
from models.fields import json_text, new_id
from models.hot import of_database
from models.tables import App, Job, Run

NewRun = dict[str, Any]
"""A run that is about to be stored: its values by column, as `draft` makes them."""

# Exactly the condition of the index.
_WAITING = peewee.SQL("status IN ('pending', 'retrying')")


class Runnable(Protocol):
    """A job, with what its new runs take over."""

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def account_id(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def deadline_at(self) -> datetime | None: ...
    @property
    def deadline_seconds(self) -> float | None: ...
    @property
    def expire(self) -> bool: ...


def draft(job: Runnable, trigger: Trigger, scheduled_for: datetime, now: datetime, **more: Any) -> NewRun:
    """Returns the values of a new run of a job: queued if its instant has come, else pending."""
    due_at = more.get("due_at", scheduled_for)
    return {
        "id": new_id(),
        "job": job.id,
        "job_version": job.version,
        "account_id": job.account_id,
        "queue": job.queue,
        "trigger": trigger,
        "retry_of": None,
        "data": None,
        "scheduled_for": scheduled_for,
        "due_at": due_at,
        "priority": job.priority,
        "deadline_at": deadline(job, due_at),
        "expire": job.expire,
        "aged_at": due_at,
        "late_at": None,
        "status": RunStatus.QUEUED if scheduled_for <= now else RunStatus.PENDING,
        "held_by": None,
        "reason": None,
        "finished_at": None,
        "occurrences": 1,
        "created_at": now,
        "trace": None,
        **more,
    }


def deadline(job: Runnable, due_at: datetime) -> datetime | None:
    """Returns the deadline of a job's run that is due at an instant; None without one."""
    after_due = job.deadline_seconds
    return job.deadline_at if after_due is None else due_at + timedelta(seconds=after_due)


def insert(rows: Sequence[dict[str, Any]]) -> None:
    """Store runs; one that exists already (same job, trigger and `scheduled_for`) stays as it is."""
    for chunk in set_based.chunks(rows):
        app_names = _app_names({row["job"] for row in chunk})
        of_database().insert_runs([_stored(row, app_names[row["job"]]) for row in chunk])
    run_holds.begin_with(rows)
    changes.note(runs=(row["id"] for row in rows))


def by_id(run_id: UUID) -> Run | None:
    """Returns the run of this id."""
    return Run.get_or_none(Run.id == run_id)


def data_of(run_id: UUID) -> Any:
    """Returns the data that a run has instead of its job's; None if it has none."""
    run = by_id(run_id)
    return None if run is None else run.data


def live_with_data(job_id: UUID) -> bool:
    """Whether a run of a job that is not over has data of its own."""
    query = Run.select(Run.id).where(Run.job == job_id, Run.status.in_(LIVE), Run.data.is_null(False))
    return bool(query.exists())


def beside(run_id: UUID, job_id: UUID, account_id: str | None) -> tuple[UUID | None, UUID | None]:
    """Returns the runs of a job (of one account, if given) that were created just before and just after a given run."""
    of_job: Any = Run.select(Run.id).where(Run.job == job_id)
    of_job = of_job if account_id is None else of_job.where(Run.account_id == account_id)
    former = of_job.where(Run.id < run_id).order_by(Run.id.desc()).first()
    later = of_job.where(Run.id > run_id).order_by(Run.id).first()
    return former and former.id, later and later.id


def job_ids(run_ids: Iterable[UUID]) -> set[UUID]:
    """Returns the jobs these runs belong to."""
    found: Any = Run.select(Run.job).where(Run.id.in_(list(run_ids))).tuples()
    return {job_id for (job_id,) in found}


def by_job(run_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Returns these runs by the jobs that they belong to."""
    found: Any = Run.select(Run.job, Run.id).where(Run.id.in_(list(run_ids))).tuples()
    of_jobs: dict[UUID, list[UUID]] = defaultdict(list)
    for job_id, run_id in found:
        of_jobs[job_id].append(run_id)
    return of_jobs


def of_other_jobs(run_ids: Iterable[UUID], job_ids: Collection[UUID]) -> list[UUID]:
    """Returns those of these runs that belong to none of these jobs."""
    of_jobs = by_job(run_ids)
    return [run_id for job_id, ids in of_jobs.items() if job_id not in job_ids for run_id in ids]


def pending(job_id: UUID, limit: int) -> list[Run]:
    """Returns a job's runs that wait for their instant and have not begun, soonest first."""
    query = Run.select().where(Run.job == job_id, Run.status == RunStatus.PENDING).order_by(Run.due_at).limit(limit)
    return list(query)


def due_by(instant: datetime, limit: int, other_than: Collection[UUID] = ()) -> list[tuple[UUID, datetime]]:
    """Returns runs that wait for an instant no later than this one, soonest first; none `other_than` of these jobs."""
    due = Run.select(Run.id, Run.due_at).where(_WAITING, Run.due_at <= instant)
    return list(of_jobs_other_than(due, other_than).order_by(Run.due_at).limit(limit).tuples())


def of_jobs_other_than(query: Any, job_ids: Collection[UUID]) -> Any:
    """Returns a query for runs without those of these jobs."""
    return query.where(Run.job.not_in(list(job_ids))) if job_ids else query


def latest_scheduled_for(job_id: UUID, trigger: Trigger) -> datetime | None:
    """Returns the nominal instant of the latest run by this trigger, except those cancelled before they started."""
    came = (Run.status != RunStatus.CANCELLED) | Run.started_at.is_null(False)
    query = Run.select(Run.scheduled_for).where(Run.job == job_id, Run.trigger == trigger, came)
    latest = query.order_by(Run.scheduled_for.desc()).first()
    return None if latest is None else latest.scheduled_for


def lock_one(run_id: UUID) -> Run | None:
    """Lock the run of this id, whose job the caller has locked. Returns it."""
    locked: Run | None = for_update(Run.select().where(Run.id == run_id)).get_or_none()
    return locked


def lock_begun(job: Job) -> list[Run]:
    """Lock a locked job's runs that wait for a retry, in the order of their ids. Returns them."""
    waits = Run.status.in_((RunStatus.QUEUED, RunStatus.RETRYING)) & (Run.attempt_count > 0)
    return list(for_update(Run.select().where(Run.job == job.id, waits).order_by(Run.id)))


def lock_live(job_ids: Collection[UUID]) -> None:
    """Lock all runs of these locked jobs that are not over, in the order of their ids."""
    of_jobs = Run.select(Run.id).where(Run.job.in_(list(job_ids)), Run.status.in_(LIVE)).order_by(Run.id)
    list(for_update(of_jobs))


def locked(condition: Any, *, skip_locked: bool = False) -> Any:
    """Lock matching runs in the order of their ids, so that two statements over the same runs cannot deadlock."""
    return for_update(Run.select(Run.id).where(condition).order_by(Run.id), skip_locked=skip_locked).cte("locked")


def make_due(holds: Mapping[UUID, Hold | None], now: datetime) -> None:
    """Make these runs due: claimable, or held. Their waiting counts from their due instant."""
    due = {"status": RunStatus.QUEUED, "held_key": None, "held_until": None, "aged_at": Run.due_at}
    set_based.update(Run.id, ((run_id, {"held_by": held_by, **due}) for run_id, held_by in holds.items()))
    run_holds.begin([run_id for run_id, held_by in holds.items() if held_by is not None], now)
    changes.note(runs=holds)


def end_unstarted(ends: Mapping[UUID, tuple[RunStatus, str]], now: datetime) -> None:
    """End runs that no worker has, each with its status and the reason why it does not start."""
    ended = {"held_by": None, "finished_at": now}
    set_based.update(
        Run.id, ((run_id, {"status": status, "reason": reason, **ended}) for run_id, (status, reason) in ends.items())
    )
    changes.note(runs=ends)


def cancel(job: Job, reason: str, now: datetime) -> int:
    """Cancel a locked job's runs that have not started, and request it for running ones. Returns how many of both."""
    cancelled = cancel_waiting(job, reason, now) + deferred.cancel(Run.job == job.id, reason, now)
    under_way = locked((Run.job == job.id) & (Run.status == RunStatus.RUNNING) & Run.cancel_requested_at.is_null())
    asked: Any = Run.update(cancel_requested_at=now).with_cte(under_way)
    return cancelled + changes.update_runs(asked.where(Run.id.in_(peewee.Select((under_way,), (under_way.c.id,)))))


def cancel_waiting(job: Job, reason: str, now: datetime) -> int:
    """Cancel a locked job's runs that no worker has. Returns how many."""
    waiting_statuses = [status for status in LIVE if status is not RunStatus.RUNNING]
    of_job = Run.update(_cancelled(reason, now)).where(Run.job == job.id, Run.status.in_(waiting_statuses))
    return changes.update_runs(of_job)


def cancel_one(run: Run, reason: str, now: datetime) -> None:
    """Cancel a locked run that is not over: at once, or when its worker has stopped."""
    if deferred.cancel(Run.id == run.id, reason, now):
        return
    running = run.status == RunStatus.RUNNING
    change = {"cancel_requested_at": run.cancel_requested_at or now} if running else _cancelled(reason, now)
    Run.update(change).where(Run.id == run.id).execute()
    changes.note(runs=[run.id])


def delete_pending(jobs: Collection[Job]) -> None:
    """Remove the planned occurrences of locked jobs that are not due yet."""
    planned = (Run.trigger == Trigger.SCHEDULE) & (Run.status == RunStatus.PENDING)
    Run.delete().where(Run.job.in_([job.id for job in jobs]), planned).execute()
    changes.note(jobs=(job.id for job in jobs))


def _cancelled(reason: str, now: datetime) -> dict[str, Any]:
    return {"status": RunStatus.CANCELLED, "held_by": None, "reason": reason, "finished_at": now}


def _app_names(job_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of the apps that these jobs belong to, by job."""
    query: Any = Job.select(Job.id, App.name).join(App).where(Job.id.in_(list(job_ids)))
    return dict(query.tuples())


def _stored(row: dict[str, Any], app_name: str) -> dict[str, Any]:
    """A draft in the form that the hot statement takes."""
    data = None if row["data"] is None else json_text(row["data"])
    return {**row, "job_id": row["job"], "data": data, "party": fairness.party(app_name, row["account_id"])}
