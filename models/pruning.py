"""Queries for pruning: rows that have ended, in windows of bounded size, and which of them may be deleted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.keeping import EndedRun, Keep
from core.states import ENDED, NEVER_FIRED, JobState, RunStatus
from models.locks import free_to_delete
from models.set_based import chunks
from models.tables import App, Job, Run


class OldRun(NamedTuple):
    """A run that has ended, with the facts about it and its job's own rule."""

    id: UUID
    finished_at: datetime
    facts: EndedRun
    keep: Keep


class EndedIn(NamedTuple):
    """The end and the app of a run that has ended."""

    id: UUID
    finished_at: datetime
    app_name: str


class SweptJob(NamedTuple):
    """The data of a job that its `keep` rule and its age are judged by."""

    id: UUID
    state: JobState
    finished_at: datetime | None
    keep: Keep

    @property
    def has_ended(self) -> bool:
        """Whether it will have no further runs."""
        return self.state in ENDED


def ended_runs(after: tuple[datetime, UUID] | None, before: datetime, limit: int) -> list[OldRun]:
    """Returns runs that ended before an instant, longest ago first, from `after` (not included) on."""
    query = _old(Run.finished_at < before).order_by(Run.finished_at, Run.id).limit(limit)
    if after is not None:
        at, run_id = after
        query = query.where(Run.finished_at >= at, (Run.finished_at > at) | (Run.id > run_id))
    return [_old_run(row) for row in query.tuples()]


def beyond(job_id: UUID, newest: int, before: datetime | None, limit: int, below: UUID | None = None) -> list[OldRun]:
    """Returns a job's ended runs except a number of its newest, newest first; if `before` is given, only older ones.

    With `below`, the id of a run that was returned before, it goes on with the runs older than that one.
    """
    of_job = (Run.job == job_id) & Run.finished_at.is_null(False)
    if below is not None:
        of_job &= Run.id < below
    elif newest:
        last_kept = Run.select(Run.id).where(of_job).order_by(Run.id.desc()).offset(newest - 1).limit(1).scalar()
        if last_kept is None:
            return []
        of_job &= Run.id < last_kept
    if before is not None:
        of_job &= Run.finished_at < before
    return [_old_run(row) for row in _old(of_job).order_by(Run.id.desc()).limit(limit).tuples()]


def looked_at(run_ids: Collection[UUID]) -> list[OldRun]:
    """Returns those of these ended runs that still exist, with their current facts."""
    return [_old_run(row) for row in _old(Run.id.in_(list(run_ids))).tuples()]


def ended_in(run_ids: Collection[UUID]) -> list[EndedIn]:
    """Returns the end and the app of each of these ended runs."""
    found: list[EndedIn] = []
    for part in chunks(run_ids):
        query: Any = Run.select(Run.id, Run.finished_at, App.name).join(Job).join(App).where(Run.id.in_(part))
        found += [EndedIn(*row) for row in query.tuples()]
    return found


def swept_jobs(after: UUID | None, limit: int) -> list[SweptJob]:
    """Returns jobs in the order of their ids, from `after` (not included) on."""
    query = Job.select(Job.id, Job.state, Job.finished_at, Job.keep_days, Job.keep_last).order_by(Job.id).limit(limit)
    if after is not None:
        query = query.where(Job.id > after)
    rows: Any = query.tuples()
    return [SweptJob(job_id, state, at, Keep(days, last)) for job_id, state, at, days, last in rows]


def delete_runs(run_ids: Collection[UUID]) -> int:
    """Delete runs with their attempts, except those that another process has locked. Returns how many."""
    if not run_ids:
        return 0
    wanted = Run.select(Run.id).where(Run.id.in_(list(run_ids))).order_by(Run.id)
    free = [run_id for (run_id,) in free_to_delete(wanted).tuples()]
    return int(Run.delete().where(Run.id.in_(free)).execute()) if free else 0


def delete_jobs_without_runs(job_ids: Collection[UUID]) -> int:
    """Delete those of these jobs that have no runs left. Returns how many."""
    if not job_ids:
        return 0
    has_run = peewee.fn.EXISTS(Run.select(peewee.SQL("1")).where(Run.job == Job.id))
    wanted = Job.select(Job.id).where(Job.id.in_(list(job_ids)), ~has_run).order_by(Job.id)
    free = [job_id for (job_id,) in free_to_delete(wanted).tuples()]
    return int(Job.delete().where(Job.id.in_(free)).execute()) if free else 0


def _old(condition: Any) -> Any:
    newer: Any = Run.alias()
    later = newer.select(peewee.SQL("1")).where(newer.job == Run.job, newer.id > Run.id)
    ran = later.where(newer.finished_at.is_null(False), newer.status.not_in(NEVER_FIRED))
    succeeded = later.where(newer.status == RunStatus.COMPLETED)
    has_newer = _evaluated_for(Run.status.not_in(NEVER_FIRED), peewee.fn.EXISTS(ran))
    has_newer_success = _evaluated_for(Run.status == RunStatus.COMPLETED, peewee.fn.EXISTS(succeeded))
    facts = (Run.status, Job.state, has_newer, has_newer_success)
    return Run.select(Run.id, Run.finished_at, *facts, Job.keep_days, Job.keep_last).join(Job).where(condition)


def _evaluated_for(runs: Any, condition: Any) -> Any:
    """Returns a condition that is only evaluated for some runs; for others it is false.

    Of two conditions that are joined by AND, SQLite evaluates both.
    """
    return peewee.Case(None, [(runs, condition)], peewee.SQL("FALSE"))


def _old_run(row: tuple[Any, ...]) -> OldRun:
    run_id, finished_at, status, state, has_newer, has_newer_success, days, last = row
    facts = EndedRun(
        job_has_ended=state in ENDED,
        never_ran=status in NEVER_FIRED,
        has_succeeded=status == RunStatus.COMPLETED,
        has_newer=bool(has_newer),
        has_newer_success=bool(has_newer_success),
    )
    return OldRun(run_id, finished_at, facts, Keep(days, last))
