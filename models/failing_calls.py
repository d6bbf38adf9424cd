"""Queries on attempts that failed without an answer or with a 5xx, and on those that succeeded meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import Outcome, RunStatus
from models import durations, filtering, set_based, sized
from models.tables import App, AppTaskType, Attempt, Job, KeptCall, Run

FEW_JOBS = 200
ENDED_READ = 5_000

_MAX_APPS = 20
_RUNS_OF_JOB = 100  # in which its last completed one is looked for
_FAILED = peewee.SQL("status = 'failed'")  # exactly the condition of the index `runs_failed`
# Within the index `runs_held_by_key`, whose condition is the beginning.
_HELD_BY_BREAKER = peewee.SQL("status = 'queued' AND held_key IS NOT NULL AND held_by = 'destination'")
_TRANSIENT = "transient"  # as in `core.attempt_endings`
_SERVER_ERRORS = 500
_GOING = (RunStatus.RUNNING, RunStatus.RETRYING)
_MAX_CALLS = 10_000
_BEGINNING = 600  # characters of a kept call: its method, and its address at least as far as the host
_MAX_DATA_BYTES = 4 * 1024 * 1024


TypeOfApp = tuple[str, str]
"""An app and one of its task types, by name."""

Key = TypeVar("Key", UUID, TypeOfApp)


class HostCall(NamedTuple):
    """An attempt, and the data that show which host it called.

    `call` is the beginning of the JSON of its call; None if the call was not kept.
    """

    run_id: UUID
    number: int
    started_at: datetime
    error_message: str | None
    job_id: UUID
    job_name: str | None
    job_title: str | None
    task_type: str
    queue: str
    callback_url: str | None
    app_name: str
    app_url: str | None
    call: str | None

    @property
    def type_of_app(self) -> TypeOfApp:
        """Returns the app and the task type, by name."""
        return self.app_name, self.task_type


def newest(wanted: JobFilter, since: datetime, most: int) -> list[HostCall]:
    """Returns such attempts, newest first, at matching jobs' runs that failed since an instant, are running or retry.

    Also at those that a breaker holds. A bounded number of runs of each kind is read, those that failed or began last.
    Other queued runs are not read: there may be very many, and no index says which of them have failed before.
    """
    runs = _runs(wanted)
    going = runs.where(filtering.LIVE, Run.status.in_(_GOING), Run.failure_count > 0)
    going = going.order_by(Run.started_at.desc()).limit(most)
    held = runs.where(_HELD_BY_BREAKER, Run.failure_count > 0).order_by(Run.started_at.desc()).limit(most)
    ended = runs.where(_FAILED, Run.finished_at >= since).order_by(Run.finished_at.desc(), Run.id.desc()).limit(most)
    ids = [row for (row,) in (*going.tuples(), *held.tuples(), *ended.tuples())]
    return _calls(
        Attempt.run.in_(ids),
        Attempt.outcome == Outcome.FAILED,
        Attempt.error_type == _TRANSIENT,
        Attempt.status_code.is_null() | (Attempt.status_code >= _SERVER_ERRORS),
        most=most,
    )


def of_runs(run_ids: Sequence[UUID]) -> list[HostCall]:
    """Returns the failed attempts at these runs, newest first."""
    return [
        call
        for chunk in set_based.chunks(run_ids)
        for call in _calls(Attempt.run.in_(chunk), Attempt.outcome == Outcome.FAILED, most=_MAX_CALLS)
    ]


def last_of_runs(run_ids: Sequence[UUID]) -> list[HostCall]:
    """Returns the last attempt at each of these runs that was tried; the order is not defined."""
    return [
        call
        for chunk in set_based.chunks(run_ids)
        for call in _calls(Attempt.run.in_(chunk), Attempt.number == Run.attempt_count, most=len(chunk))
    ]


def succeeded(wanted: JobFilter, app_names: Sequence[str], since: datetime, most: int) -> list[HostCall]:
    """Returns attempts that began since an instant and succeeded, newest first, at matching jobs of these apps.

    Of apps with few such jobs, attempts at the last completed run of each job; of others, at those of the newest ended
    runs of all jobs that completed. So a bounded number of runs is read, however many have ended.
    """
    job_ids, are_all = _few_jobs(wanted, app_names)
    ids = _last_completed(wanted, job_ids, since)
    if not are_all:
        ids += _newest_completed(wanted, since, most)
    return _calls(
        Attempt.run.in_(ids), Attempt.outcome == Outcome.SUCCEEDED, Attempt.started_at >= since, most=len(ids)
    )


def _few_jobs(wanted: JobFilter, app_names: Sequence[str]) -> tuple[list[UUID], bool]:
    """Returns matching jobs of those of these apps that have few, and whether no app is left out."""
    found: list[UUID] = []
    are_all = len(app_names) <= _MAX_APPS
    for app_name in app_names[:_MAX_APPS]:
        # The account is that of each run, which the runs are filtered by.
        jobs: Any = filtering.jobs(Job.select(Job.id).join(App), replace(wanted, app_name=app_name, account_id=None))
        room = FEW_JOBS - len(found)
        of_app = [job_id for (job_id,) in jobs.limit(room + 1).tuples()]
        if len(of_app) > room:
            are_all = False
        else:
            found += of_app
    return found, are_all


def _last_completed(wanted: JobFilter, job_ids: Sequence[UUID], since: datetime) -> list[UUID]:
    """Returns the last completed run of each job that ended since an instant, looked for in its newest runs."""
    last = durations.newest(job_ids, 1, _RUNS_OF_JOB, _account_of_runs(wanted))
    return [one.run_id for one in last if one.finished_at >= since]


def _newest_completed(wanted: JobFilter, since: datetime, most: int) -> list[UUID]:
    """Returns matching jobs' runs that completed, newest first, among the newest ended runs of all jobs.

    The jobs are compared in a query of their own: joined, SQLite would look for these runs under each job of an app.
    """
    newest: Any = Run.select(Run.id, Run.job, Run.status, Run.account_id).where(Run.finished_at >= since)
    newest = newest.order_by(Run.finished_at.desc()).limit(ENDED_READ).tuples()
    account = _account_of_runs(wanted)
    completed = [
        (run_id, job_id)
        for run_id, job_id, status, account_id in newest
        if status == RunStatus.COMPLETED and account in (None, account_id)
    ]
    matching: set[UUID] = set()
    for chunk in set_based.chunks({job_id for _, job_id in completed}):
        jobs: Any = filtering.jobs(Job.select(Job.id).join(App), replace(wanted, account_id=None))
        matching.update(job_id for (job_id,) in jobs.where(Job.id.in_(chunk)).tuples())
    return [run_id for run_id, job_id in completed if job_id in matching][:most]


def _account_of_runs(wanted: JobFilter) -> str | None:
    """Returns the account that runs must have been made for: the caller's own, else the one that is asked for."""
    own = None if wanted.visible is None else wanted.visible.account_id
    return wanted.account_id if own is None else own


def _runs(wanted: JobFilter) -> Any:
    return filtering.runs_of_jobs(Run.select(Run.id).join(Job).join(App), wanted)


def _calls(*conditions: Any, most: int) -> list[HostCall]:
    columns = (Attempt.run, Attempt.number, Attempt.started_at, Attempt.error_message)
    of_job = (Job.id, Job.name, Job.title, Job.task_type, Job.queue, Job.callback_url)
    call = peewee.fn.SUBSTR(KeptCall.call, 1, _BEGINNING)
    query: Any = Attempt.select(*columns, *of_job, App.name, App.callback_base_url, call).join(Run).join(Job).join(App)
    kept = (KeptCall.run == Attempt.run) & (KeptCall.number == Attempt.number)
    query = query.join(KeptCall, peewee.JOIN.LEFT_OUTER, on=kept).where(*conditions)
    return [HostCall(*row) for row in query.order_by(Attempt.started_at.desc()).limit(most).tuples()]


def data_of(job_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Returns the data of these jobs, shortest first, up to 4 MiB in total."""
    sizes: Any = Job.select(Job.id, sized.octets(Job.data).alias("size")).where(Job.id.in_(list(job_ids)))
    query: Any = Job.select(Job.id, Job.data).where(Job.id.in_(_that_fit(dict(sizes.tuples()))))
    return dict(query.tuples())


def requests_of(types: Collection[TypeOfApp]) -> dict[TypeOfApp, dict[str, Any]]:
    """Returns the requests that apps map these task types to, shortest first, up to 4 MiB in total; longer ones as {}.

    Task types that are mapped to none are left out.
    """
    sizes = _of_types(types, sized.octets(AppTaskType.request))
    return {key: {} for key in sizes} | _of_types(_that_fit(sizes), AppTaskType.request)


def _of_types(types: Collection[TypeOfApp], column: Any) -> dict[TypeOfApp, Any]:
    """Returns a column of those of these task types that are mapped to a request."""
    if not types:
        return {}
    query: Any = AppTaskType.select(App.name, AppTaskType.name, column).join(App)
    chosen = peewee.Tuple(App.name, AppTaskType.name).in_(peewee.ValuesList(list(types)))
    found = query.where(chosen, AppTaskType.request.is_null(False)).tuples()
    return {(app_name, name): value for app_name, name, value in found}


def _that_fit(sizes: Mapping[Key, int]) -> list[Key]:
    """Returns the shortest things, as many as have at most 4 MiB together."""
    shortest_first = sorted(sizes, key=lambda key: sizes[key])
    totals = accumulate(sizes[key] for key in shortest_first)
    return [key for key, total in zip(shortest_first, totals, strict=True) if total <= _MAX_DATA_BYTES]
