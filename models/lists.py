"""Queries for lists: jobs in any order, runs across jobs, a job's executions."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import peewee

from core.filters import JobFilter, RunFilter
from core.listing import Mark, Ordering, SortKey, SortValue, Stretch
from core.states import RunStatus
from models import compiled, counting, filtering, searching, shown_runs
from models.compiled import Compiled, Part, Shape
from models.database import is_sqlite
from models.hot import of_database
from models.set_based import chunks
from models.shown_runs import Execution, ShownRun
from models.tables import App, Job, Run

_MAX_BY_STATUS = 10_000


@dataclass(frozen=True)
class JobPage:
    """The ids of the jobs on a page, one more than the limit if more follow; the number of matches, if it is known."""

    ids: list[UUID]
    count: int | None = None


def job_page(wanted: JobFilter, ordering: Ordering, stretch: Stretch) -> JobPage:
    """Returns a page of the jobs that match, in this order."""
    asked = compiled.asked(wanted, stretch)
    if asked is not None:
        found = _jobs_asked(asked.shape, ordering, is_sqlite()).rows(asked.values)
        return JobPage([of_database().uuid(job_id) for (job_id,) in found])
    if wanted.search is not None or wanted.metadata is not None:
        few = searching.page_of_few(_jobs(wanted), lambda query: _of_jobs(query, ordering, Part.of(stretch)))
        if few is not None:
            return JobPage(*few)
    return JobPage([job_id for (job_id,) in _of_jobs(_jobs(wanted), ordering, Part.of(stretch)).tuples()])


def job_count(wanted: JobFilter) -> int:
    """Returns how many jobs match; an estimate if there are very many."""
    return counting.count(_jobs(wanted))


def run_page(wanted: RunFilter, stretch: Stretch) -> list[ShownRun]:
    """Returns runs that match with their jobs and apps, newest first; one more than the limit if more follow.

    Long results are left out, as `result_left_out` says.
    """
    asked = compiled.asked(wanted, stretch)
    if asked is not None:
        return shown_runs.read(_runs_asked(asked.shape, is_sqlite()).rows(asked.values))
    return shown_runs.read(_asked(_of_runs(wanted, Part.of(stretch))))


def run_count(wanted: RunFilter) -> int:
    """Returns how many runs match; an estimate if there are very many."""
    return counting.count(filtering.runs(Run.select(Run.id).join(Job).join(App), wanted))


def run_statuses(wanted: RunFilter) -> dict[RunStatus, int]:
    """Returns how many matching runs have each status; among the newest 10,000 if there are very many."""
    fitting = filtering.runs(Run.select(Run.status.alias("status")).join(Job).join(App), wanted)
    newest = fitting.order_by(Run.id.desc()).limit(_MAX_BY_STATUS).alias("newest")
    query: Any = Run.select(newest.c.status, peewee.fn.COUNT(newest.c.status)).from_(newest).group_by(newest.c.status)
    return {RunStatus(status): count for status, count in query.tuples()}


def run(run_id: UUID) -> ShownRun | None:
    """Returns the run of this id with its job and app; None if the job was deleted."""
    found = shown_runs.read(_one_run(is_sqlite()).rows({"id": run_id}))
    return found[0] if found else None


def runs_by_ids(run_ids: Iterable[UUID]) -> list[ShownRun]:
    """Returns those of these runs whose jobs are not deleted, as `run_page` does."""
    found: list[ShownRun] = []
    for chunk in chunks(run_ids):
        found += shown_runs.read(_asked(shown_runs.listed().where(Run.id.in_(chunk), Job.deleted_at.is_null())))
    return found


def run_ids_of_account(run_ids: Iterable[UUID], account_id: str) -> set[UUID]:
    """Returns those of these runs that were made for an account."""
    found: set[UUID] = set()
    for chunk in chunks(run_ids):
        query = Run.select(Run.id).where(Run.id.in_(chunk), Run.account_id == account_id)
        found.update(row.id for row in query)
    return found


def ended_runs(run_ids: Iterable[UUID]) -> list[ShownRun]:
    """Returns those of these runs that have ended, with their jobs and apps, deleted jobs included."""
    return shown_runs.read(_asked(shown_runs.whole().where(Run.id.in_(list(run_ids)), Run.finished_at.is_null(False))))


def executions(job_id: UUID, stretch: Stretch, account_id: str | None = None) -> list[Execution]:
    """Returns a job's runs that have started, newest first; one more than the limit if more follow.

    If an account is given, only runs that were made for it.
    """
    asked = compiled.asked(RunFilter(job_id=job_id, account_id=account_id), stretch)
    assert asked is not None  # noqa: S101  neither ids nor a search
    return shown_runs.read_executions(_executions_asked(asked.shape, is_sqlite()).rows(asked.values))


@functools.lru_cache(maxsize=compiled.MAX_SHAPES)
def _jobs_asked(shape: Shape, ordering: Ordering, _on_sqlite: bool) -> Compiled:
    wanted, part = compiled.with_placeholders(shape)
    return Compiled.of(_of_jobs(_jobs(wanted), ordering, part))


@functools.lru_cache(maxsize=compiled.MAX_SHAPES)
def _runs_asked(shape: Shape, _on_sqlite: bool) -> Compiled:
    return Compiled.of(_of_runs(*compiled.with_placeholders(shape)))


@functools.lru_cache(maxsize=compiled.MAX_SHAPES)
def _executions_asked(shape: Shape, _on_sqlite: bool) -> Compiled:
    wanted, part = compiled.with_placeholders(shape)
    query = shown_runs.executions().where(Run.job == wanted.job_id)
    query = query if wanted.account_id is None else query.where(Run.account_id == wanted.account_id)
    return Compiled.of(_part(query, Run.id, None, part, descending=True))


@functools.cache
def _one_run(_on_sqlite: bool) -> Compiled:
    return Compiled.of(shown_runs.whole().where(Run.id == compiled.placeholder("id"), Job.deleted_at.is_null()))


def _asked(query: Any) -> Any:
    return Compiled.of(query).rows({})


def _of_jobs(query: Any, ordering: Ordering, part: Part) -> Any:
    return _part(query, Job.id, _sort_column(ordering.key), part, descending=ordering.descending)


def _of_runs(wanted: RunFilter, part: Part) -> Any:
    return _part(filtering.runs(shown_runs.listed(), wanted), Run.id, None, part, descending=True)


def _jobs(wanted: JobFilter) -> Any:
    """Returns a query for the ids of matching jobs. Joins apps only if a filter needs them: a join costs a sort."""
    every = Job.select(Job.id)
    return filtering.jobs(every if wanted.status_but is None else every.join(App), wanted)


def _part(query: Any, ids: Any, values: Any, part: Part, *, descending: bool) -> Any:
    """Sort by a value (None: by the id alone), then the id, and take a part."""
    if part.after is not None:
        query = query.where(_after(ids, values, part.after, descending=descending))
    columns = [ids] if values is None else [values, ids]
    order = [column.desc() if descending else column.asc() for column in columns]
    if values is not None:  # rows without a value come last, in both databases and either direction
        order.insert(0, values.is_null().asc())
    return query.order_by(*order).offset(part.offset).limit(part.most)


def _after(ids: Any, values: Any, mark: Mark, *, descending: bool) -> Any:
    """The condition under which something comes after a mark."""
    beyond = _beyond(ids, mark.id, descending=descending)
    if values is None:
        return beyond
    if mark.value is None:
        return values.is_null() & beyond
    farther = _beyond(values, mark.value, descending=descending)
    return farther | ((values == mark.value) & beyond) | values.is_null()


def _beyond(column: Any, value: UUID | SortValue, *, descending: bool) -> Any:
    return column < value if descending else column > value


def _sort_column(key: SortKey) -> Any:
    """Returns the column by which a list of jobs is sorted; None if their ids are in that order."""
    match key:
        case SortKey.CREATED_AT:
            return None
        case SortKey.PRIORITY:
            return Job.priority
        case SortKey.UPDATED_AT:
            return Job.updated_at
        case SortKey.DEADLINE:
            return Job.deadline_at
        case SortKey.STATUS:
            return filtering.status_word()
        case SortKey.NAME:  # a job without one goes by its title; code points order alike in both databases
            return peewee.fn.COALESCE(Job.name, Job.title, "").collate("BINARY" if is_sqlite() else '"C"')
