"""Queries on jobs.

A transaction that changes jobs and their runs locks the jobs first, then the runs, each in the order of their ids. The
claim and the plan lock in another order, but only rows that are free: they never wait for a lock. The heartbeat locks
only runs. So no two transactions can deadlock. Those that handle jobs of many tenants together pass over jobs that
others have locked (docs/decisions/0003-locks.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import ENDED, JobState
from models import changes, filtering, locks, pause_ends, polling_states, set_based
from models.database import for_update
from models.tables import App, AppTaskType, Job, Run

# The columns that decisions about a job need; its payload, which may be large, is read only to deliver or show it.
_PAYLOAD = {"data", "user_id", "board_id", "metadata"}  # names, for `==` of two columns makes an SQL condition
_POLICY = (AppTaskType.max_retries, AppTaskType.retry_backoff_base, AppTaskType.request, AppTaskType.limit_key)
_RULES = [column for column in Job._meta.sorted_fields if column.name not in _PAYLOAD]  # noqa: SLF001  peewee's own way


def by_id(job_id: UUID) -> Job | None:
    """Returns the job of this id, with its app; None if it was deleted."""
    return by_ids([job_id]).get(job_id)


def by_ids(job_ids: Iterable[UUID]) -> dict[UUID, Job]:
    """Returns those of these jobs that are not deleted, with their apps."""
    query = Job.select(Job, App).join(App).where(Job.id.in_(list(job_ids)), Job.deleted_at.is_null())
    return {job.id: job for job in query}


def to_execute(job_ids: Iterable[UUID]) -> dict[UUID, Job]:
    """Returns jobs with their app and its policy for the task type (`job.policy`, if there is one)."""
    query = (
        Job.select(Job, App, *_POLICY)
        .join(App)
        .join_from(
            Job,
            AppTaskType,
            peewee.JOIN.LEFT_OUTER,
            on=(AppTaskType.app == Job.app) & (AppTaskType.name == Job.task_type),
            attr="policy",
        )
        .where(Job.id.in_(list(set(job_ids))))
    )
    return {job.id: job for job in query}


def lock(job_ids: Iterable[UUID], *, skip_locked: bool = False) -> dict[UUID, Job]:
    """Lock the jobs with these ids, in the order of ids; optionally only those that nobody has locked.

    Returns them without the data of their applications.
    """
    query = Job.select(*_RULES).where(Job.id.in_(sorted(set(job_ids)))).order_by(Job.id)
    return {job.id: job for job in for_update(query, skip_locked=skip_locked)}


def lock_briefly(job_ids: Collection[UUID], *, waits_for_locks: bool) -> tuple[dict[UUID, Job], set[UUID]]:
    """Lock these jobs; from here on the transaction waits only a moment for any lock, and then raises `LockTimeout`.

    Unless it `waits_for_locks`, it passes over jobs that others have locked. Returns the locked jobs as `lock` does,
    and the ids of those that were passed over.
    """
    locks.wait_briefly()
    locked = lock(job_ids, skip_locked=not waits_for_locks)
    missing = set(job_ids) - locked.keys()
    passed_over: Any = Job.select(Job.id).where(Job.id.in_(list(missing))).tuples() if missing else []
    return locked, {job_id for (job_id,) in passed_over}


def lock_whole(job_id: UUID) -> Job | None:
    """Lock the job of this id. Returns its whole row with its app; None if it was deleted."""
    lock([job_id])
    return by_id(job_id)


def lock_to_plan(now: datetime, horizon: datetime, limit: int) -> list[Job]:
    """Lock jobs with an occurrence up to the horizon that has no row, soonest first. Returns those that were free.

    Jobs that are put off are left out.
    """
    is_to_plan = (Job.next_run_at <= horizon) & (Job.put_off_until.is_null() | (Job.put_off_until <= now))
    query = Job.select(*_RULES).where(is_to_plan).order_by(Job.next_run_at).limit(limit)
    return list(for_update(query, skip_locked=True))


def put_off(job_ids: Collection[UUID], until: datetime) -> None:
    """Plan these locked jobs no earlier than at an instant; their watermarks stay, so no occurrence is lost."""
    Job.update(put_off_until=until).where(Job.id.in_(list(job_ids))).execute()


def set_next_runs(moved: Sequence[tuple[Job, datetime | None]]) -> None:
    """Move the watermarks of locked jobs: the first occurrence of each that has no row yet, or none.

    None of them is put off any more.
    """
    for job, next_run_at in moved:
        job.next_run_at, job.put_off_until = next_run_at, None
    columns = ((job.id, {"next_run_at": next_run_at, "put_off_until": None}) for job, next_run_at in moved)
    set_based.update(Job.id, columns)
    changes.note(jobs=(job.id for job, _ in moved))


def count_starts(starts: Mapping[UUID, int]) -> None:
    """Add to the counts of started scheduled runs of locked jobs; a negative count takes back replaced ones."""
    set_based.add(Job.runs_started, Job.id, starts)


def end(ends: Collection[tuple[Job, JobState]], now: datetime) -> None:
    """Set the end states of locked jobs; a job that has already ended stays as it is."""
    for job, state in ends:
        job.state, job.next_run_at = state, None
    ended = {"next_run_at": None, "finished_at": now, "updated_at": now}
    set_based.update(Job.id, ((job.id, {"state": state, **ended}) for job, state in ends), Job.state.not_in(ENDED))
    changes.note(jobs=(job.id for job, _ in ends))


def explain_ends(reasons: Mapping[UUID, str]) -> None:
    """Record why locked jobs end, if their runs do not show it."""
    set_based.update(Job.id, ((job_id, {"end_reason": reason}) for job_id, reason in reasons.items()))
    changes.note(jobs=reasons)


def set_state(changed: Collection[Job], state: JobState, now: datetime) -> None:
    """Pause or resume locked jobs; one that has ended stays as it is."""
    for job in changed:
        job.state = state
    _set_state([job.id for job in changed], state, now)


def pause(job_ids: Collection[UUID], now: datetime) -> None:
    """Pause locked jobs; one that has ended stays as it is."""
    _set_state(job_ids, JobState.PAUSED, now)


def _set_state(job_ids: Collection[UUID], state: JobState, now: datetime) -> None:
    Job.update(state=state, updated_at=now).where(Job.id.in_(list(job_ids)), Job.state.not_in(ENDED)).execute()
    pause_ends.drop(job_ids)  # a pause that follows has an end of its own, or none
    changes.note(jobs=job_ids)


def set_polling_states(states: Sequence[tuple[Job, dict[str, Any] | None]], now: datetime) -> None:
    """Replace the polling states of locked jobs, each as the next version."""
    if not states:
        return
    set_based.update(
        Job.id,
        ((job.id, {"polling_state": state, "polling_version": job.polling_version + 1}) for job, state in states),
    )
    polling_states.keep(states, now)
    changes.note(jobs=(job.id for job, _ in states))


def with_live_run(job_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these jobs have a run that is not over yet."""
    if not job_ids:
        return set()
    rows = Run.select(Run.job).where(Run.job.in_(list(job_ids)), filtering.LIVE).distinct()
    return {run.job_id for run in rows}


def ids(wanted: JobFilter, after: UUID | None, limit: int) -> list[UUID]:
    """Returns the ids of jobs that fit, in their order, from `after` (not included) on."""
    query = filtering.jobs(Job.select(Job.id).join(App), wanted)
    if after is not None:
        query = query.where(Job.id > after)
    return [job.id for job in query.order_by(Job.id).limit(limit)]
