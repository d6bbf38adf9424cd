"""Filters in SQL: the jobs and the runs that a caller asks for."""

from __future__ import annotations

import functools
import operator
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import peewee

from core import names
from core.filters import JobFilter, RunFilter, StatusesOfApp
from core.principals import VisibleJobs
from core.states import GOING, JobState, JobStatus, RunStatus, Trigger
from core.states import LIVE as LIVE_STATUSES
from models import apps, by_metadata, searching
from models.compiled import derived
from models.fields import first_id
from models.tables import App, Installation, Job, JobTag, Run

# As in the indexes `runs_live`, `runs_to_claim`, `runs_held`, `runs_leased` and `runs_begun_before`: a partial index is
# only used if the query repeats its condition literally.
LIVE = peewee.SQL("status IN ('pending', 'queued', 'running', 'retrying')")
CLAIMABLE = peewee.SQL("status = 'queued' AND held_by IS NULL")
HELD = peewee.SQL("status = 'queued' AND held_by IS NOT NULL")
RUNNING = peewee.SQL("status = 'running'")
BEGUN_BEFORE = peewee.SQL("status IN ('queued', 'retrying') AND started_at IS NOT NULL")

# The greatest assumed difference between the clock of a process, which makes ids, and that of the database.
CLOCKS_APART = timedelta(minutes=1)
_PAUSED = peewee.SQL("state = 'paused'")  # as in the index `jobs_paused`
_MAX_APPS = 1_000
_NONE = peewee.SQL("1 = 0")
_WHOLE_NUMBER = re.compile(r"-?[1-9][0-9]{0,18}|0")


def jobs(query: Any, wanted: JobFilter) -> Any:
    """Returns a query's jobs that match and are not deleted. A status that differs by app needs joined apps."""
    query = visible(query, wanted.visible).where(Job.deleted_at.is_null())
    equal = {
        Job.account_id: wanted.account_id,
        Job.task_type: wanted.task_type,
        Job.schedule_kind: wanted.schedule_kind,
    }
    query = _of_app(_where_equal(query, equal), wanted.app_name)
    if wanted.ids is not None:
        query = query.where(Job.id.in_(wanted.ids))
    if wanted.name is not None:
        query = query.where(Job.name_key.in_(names.keys(wanted.name)))
    query = _where_between(query, Job.created_at, wanted.created_from, wanted.created_before)
    if wanted.user_id is not None:  # a user's id is kept as JSON: text or a number
        numeric = [int(wanted.user_id)] if _WHOLE_NUMBER.fullmatch(wanted.user_id) else []
        query = query.where(Job.user_id.in_([wanted.user_id, *numeric]))
    if wanted.tag is not None:
        query = query.where(Job.id.in_(JobTag.select(JobTag.job).where(JobTag.tag == wanted.tag)))
    if wanted.metadata is not None:
        query = query.where(by_metadata.has(wanted.metadata))
    if wanted.search is not None:
        query = query.where(searching.has(wanted.search))
    if wanted.paused is not None:
        query = query.where(_is_paused() if wanted.paused else ~_is_paused())
    return query if wanted.status is None else query.where(_shows(wanted.status, wanted.status_but))


def runs(query: Any, wanted: RunFilter) -> Any:
    """Returns a query's runs that match, joined with their jobs and apps; runs of deleted jobs never match.

    The account is the one that a run was made for: its job may have moved to another since.
    """
    query = visible_runs(visible(query, wanted.visible), wanted.visible).where(Job.deleted_at.is_null())
    equal = {
        Run.account_id: wanted.account_id,
        Job.task_type: wanted.task_type,
        Run.job: wanted.job_id,
        Run.status: wanted.status,
        Run.trigger: wanted.trigger,
        Run.retry_of: wanted.retry_of,
    }
    query = _of_app(_where_equal(query, equal), wanted.app_name)
    if wanted.status in LIVE_STATUSES:
        query = query.where(LIVE)
    if wanted.ids is not None:
        query = query.where(Run.id.in_(wanted.ids))
    if wanted.held_by is not None or wanted.held_key is not None:  # released runs keep their key
        query = query.where(LIVE, Run.status == RunStatus.QUEUED, Run.held_by.is_null(False))
        query = _where_equal(query, {Run.held_by: wanted.held_by, Run.held_key: wanted.held_key})
    if wanted.but is not None:
        query = query.where(Run.status != wanted.but)
    query = _where_between(query, Run.due_at, wanted.due_from, wanted.due_before)
    query = _where_between(query, Run.scheduled_for, wanted.scheduled_from, wanted.scheduled_before)
    query = _where_created(query, wanted.created_from, wanted.created_before)
    if wanted.trigger is Trigger.RETRY:  # no other has it, and the index `runs_repeats` is of these alone
        query = query.where(Run.retry_of.is_null(False))
    return _where_between(query, Run.finished_at, wanted.finished_from, wanted.finished_before)


def runs_of_jobs(query: Any, wanted: JobFilter) -> Any:
    """Returns a query's runs, joined with their jobs and apps, of jobs that match; the account is that of each run."""
    query = visible_runs(jobs(query, replace(wanted, account_id=None)), wanted.visible)
    return _where_equal(query, {Run.account_id: wanted.account_id})


def visible(query: Any, seen: VisibleJobs | None) -> Any:
    """Returns a query's jobs, joined with theirs, that a caller may see: `VisibleJobs.include`, in SQL."""
    if seen is None:
        return query
    parts = [Job.app.in_(sorted(seen.app_ids))] if seen.app_ids else []
    if seen.owner_id is not None:
        parts.append(Job.owner_id == seen.owner_id)
    query = query.where(functools.reduce(operator.or_, parts) if parts else _NONE)
    return query if seen.account_id is None else query.where(Job.account_id == seen.account_id)


def visible_runs(query: Any, seen: VisibleJobs | None) -> Any:
    """Returns a query's runs of visible jobs that a caller may see: the job may have been another account's."""
    return query if seen is None or seen.account_id is None else query.where(Run.account_id == seen.account_id)


def shows(status: JobStatus) -> Any:
    """Returns the condition under which a job shows a status: `core.states.shown_status`, in SQL."""
    match status:
        case JobStatus.RUNNING:
            return (Job.state == JobState.ACTIVE) & _has_run(RunStatus.RUNNING)
        case JobStatus.QUEUED:
            return (
                (Job.state == JobState.ACTIVE)
                & _has_run(RunStatus.QUEUED, RunStatus.RETRYING)
                & ~_has_run(RunStatus.RUNNING)
            )
        case JobStatus.PENDING:
            return (Job.state == JobState.ACTIVE) & ~_has_run(*GOING)
        case _:
            return Job.state == status.value


def _shows(status: JobStatus, but: StatusesOfApp | None) -> Any:
    """The condition under which a job shows a status; for one app, any of several others."""
    if but is None:
        return shows(status)
    in_app = App.name_key.in_(names.keys(but.app_name))
    return functools.reduce(operator.or_, (in_app & shows(one) for one in but.statuses), ~in_app & shows(status))


def _is_paused() -> Any:
    """The condition under which a job has not ended, and it, its app or everything is paused.

    The pauses are read first: PostgreSQL uses indexes for OR only if all its parts are about one table.
    """
    if Installation.select().where(Installation.paused_at.is_null(False)).exists():
        return Job.state.in_((JobState.PAUSED, JobState.ACTIVE))
    paused = App.select(App.id).where(App.paused_at.is_null(False))
    found: list[UUID] = [app.id for app in paused.limit(_MAX_APPS + 1)]
    if not found:
        return _PAUSED
    return _PAUSED | ((Job.state == JobState.ACTIVE) & Job.app.in_(found if len(found) <= _MAX_APPS else paused))


def status_word() -> Any:
    """Returns the status a job shows, as a value to sort by."""
    words = (
        (Job.state != JobState.ACTIVE, Job.state),
        (_has_run(RunStatus.RUNNING), JobStatus.RUNNING.value),
        (_has_run(*GOING), JobStatus.QUEUED.value),
    )
    return peewee.Case(None, words, JobStatus.PENDING.value)


def _has_run(*statuses: RunStatus) -> Any:
    return peewee.fn.EXISTS(Run.select(peewee.SQL("1")).where(Run.job == Job.id, LIVE, Run.status.in_(statuses)))


def _where_equal(query: Any, values: dict[Any, Any]) -> Any:
    for column, value in values.items():
        if value is not None:
            query = query.where(column == value)
    return query


def _of_app(query: Any, name: str | None) -> Any:
    return query if name is None else query.where(Job.app == apps.id_of(name))


def _where_created(query: Any, start: Any, end: Any) -> Any:
    """Uses the index on ids, which begin with the instant of their creation by the clock of a process."""
    if start is not None:
        query = query.where(Run.id >= derived(start, lambda instant: first_id(instant, -CLOCKS_APART)))
    if end is not None:
        query = query.where(Run.id < derived(end, lambda instant: first_id(instant, CLOCKS_APART)))
    return _where_between(query, Run.created_at, start, end)


def _where_between(query: Any, column: Any, start: datetime | None, end: datetime | None) -> Any:
    if start is not None:
        query = query.where(column >= start)
    return query if end is None else query.where(column < end)
