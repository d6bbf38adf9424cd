"""Queries for lists: jobs in any order, runs across jobs, a job's executions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import peewee

from core.filters import JobFilter, RunFilter
from core.listing import Mark, Ordering, SortKey, SortValue, Stretch
from models import counting, filtering, searching
from models.database import is_sqlite
from models.set_based import chunks
from models.tables import App, Job, Run

LONGEST_RESULT_LISTED = 1_024
"""Characters of JSON of a result that a list of runs shows; longer ones are shown with their run alone."""

# What a run was given in place of its job's data may be large, and no list shows it.
_SHOWN = [column for column in Run._meta.sorted_fields if column is not Run.data]  # noqa: SLF001  peewee's own way
_LISTED = [column for column in _SHOWN if column is not Run.result]


@dataclass(frozen=True)
class JobPage:
    """The ids of the jobs on a page, one more than the limit if more follow; how many fit, where that was found out."""

    ids: list[UUID]
    count: int | None = None


def job_page(wanted: JobFilter, ordering: Ordering, stretch: Stretch) -> JobPage:
    """Returns a page of the jobs that fit, in this order."""

    def paged(query: Any) -> Any:
        return _stretch(query, Job.id, _sort_column(ordering.key), stretch, descending=ordering.descending)

    query = _jobs(wanted)
    if wanted.search is not None and (few := searching.page_of_few(query, paged)) is not None:
        return JobPage(*few)
    return JobPage([job_id for (job_id,) in paged(query).tuples()])


def job_count(wanted: JobFilter) -> int:
    """Returns how many jobs fit; of very many, an estimate."""
    return counting.count(_jobs(wanted))


def run_page(wanted: RunFilter, stretch: Stretch) -> list[Run]:
    """Returns runs that fit with their jobs and apps, newest first; one more than the limit if more follow.

    Of long results, `result_left_out` says that they are left out.
    """
    query = filtering.runs(_with_jobs(*_with_short_result()), wanted)
    return list(_stretch(query, Run.id, None, stretch, descending=True))


def run_count(wanted: RunFilter) -> int:
    """Returns how many runs fit; of very many, an estimate."""
    return counting.count(filtering.runs(Run.select(Run.id).join(Job).join(App), wanted))


def run(run_id: UUID) -> Run | None:
    """Returns the run of this id with its job and app; None if the job was deleted."""
    found: Run | None = _with_jobs(*_SHOWN).where(Run.id == run_id, Job.deleted_at.is_null()).get_or_none()
    return found


def runs_by_ids(run_ids: Iterable[UUID]) -> list[Run]:
    """Returns those of these runs whose jobs are not deleted, as `run_page` does."""
    found: list[Run] = []
    for chunk in chunks(run_ids):
        found.extend(_with_jobs(*_with_short_result()).where(Run.id.in_(chunk), Job.deleted_at.is_null()))
    return found


def ended_runs(run_ids: Iterable[UUID]) -> list[Run]:
    """Returns those of these runs that have ended, with their jobs and apps, deleted jobs included."""
    return list(_with_jobs(*_SHOWN).where(Run.id.in_(list(run_ids)), Run.finished_at.is_null(False)))


def executions(job_id: UUID, stretch: Stretch) -> list[Run]:
    """Returns a job's runs that have started, newest first; one more than the limit if more follow."""
    query = Run.select(*_LISTED).where(Run.job == job_id, Run.started_at.is_null(False))
    return list(_stretch(query, Run.id, None, stretch, descending=True))


def _jobs(wanted: JobFilter) -> Any:
    """Returns a query for the ids of jobs that fit. Apps are joined only if a filter needs them: that costs a sort."""
    every = Job.select(Job.id)
    return filtering.jobs(every if wanted.status_but is None else every.join(App), wanted)


def _with_jobs(*of_run: Any) -> Any:
    of_job = (Job.id, Job.app, Job.owner_id, Job.account_id, Job.name, Job.task_type)
    return Run.select(*of_run, *of_job, App.id, App.name).join(Job).join(App)


def _with_short_result() -> list[Any]:
    """Returns the columns of runs in lists.

    Of a text, PostgreSQL knows the bytes without reading it, but not the characters. Of JSON as it is stored, they are
    as many: all else is escaped.
    """
    length = peewee.fn.LENGTH if is_sqlite() else peewee.fn.OCTET_LENGTH
    is_long = length(Run.result) > LONGEST_RESULT_LISTED
    short: Any = peewee.Case(None, [(is_long, None)], Run.result)
    is_left_out = peewee.Case(None, [(is_long, True)], False).alias("result_left_out")
    return [*_LISTED, short.converter(Run.result.python_value).alias("result"), is_left_out]


def _stretch(query: Any, ids: Any, values: Any, stretch: Stretch, *, descending: bool) -> Any:
    """Sort by a value (None: by the id alone), then the id, and take the part that is wanted, and one more."""
    if stretch.after is not None:
        query = query.where(_after(ids, values, stretch.after, descending=descending))
    columns = [ids] if values is None else [values, ids]
    order = [column.desc() if descending else column.asc() for column in columns]
    if values is not None:  # what has no value comes last, in both databases and either direction
        order.insert(0, values.is_null().asc())
    return query.order_by(*order).offset(stretch.offset or None).limit(stretch.limit + 1)


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
