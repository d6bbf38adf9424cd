"""Reads jobs with everything that is shown of them, in one statement, for the most frequent reads of the API.

The statement is text, and its rows are converted by hand: building an expression and inspecting each row took longer
than the database takes to answer.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.listing import MAX_BYTES_IN_PAGE, count_that_fits
from core.policies import CatchUp, Overlap
from core.schedules import DelayFromNow
from core.states import GOING, JobState, RunStatus, Trigger
from models import converting, database
from models.database import is_sqlite
from models.filtering import LIVE
from models.tables import Job, Run

_COLUMNS: tuple[Any, ...] = (
    Job.id,
    Job.app,
    Job.owner_id,
    Job.name,
    Job.title,
    Job.metadata,
    Job.account_id,
    Job.user_id,
    Job.board_id,
    Job.task_type,
    Job.callback_url,
    Job.data,
    Job.priority,
    Job.max_retries,
    Job.retry_backoff_base,
    Job.retry_backoff_max,
    Job.time_limit_seconds,
    Job.catch_up,
    Job.catch_up_window_seconds,
    Job.overlap,
    Job.deadline_at,
    Job.deadline_seconds,
    Job.expire,
    Job.keep_days,
    Job.keep_last,
    Job.limit_key,
    Job.version,
    Job.state,
    Job.next_run_at,
    Job.polling_state,
    Job.polls,
    Job.end_reason,
    Job.created_at,
    Job.created_by,
    Job.updated_at,
    Job.finished_at,
)
_LAST: tuple[Any, ...] = (
    Run.status,
    Run.failure_count,
    Run.result,
    Run.started_at,
    Run.finished_at,
    Run.error_message,
    Run.account_id,
)
_LONG_BYTES = 8_192
_MAY_BE_LONG = frozenset({Job.metadata, Job.user_id, Job.board_id, Job.data, Job.polling_state, Run.result})
_CONVERTERS, _CONVERTERS_OF_LAST = converting.of(_COLUMNS), converting.of(_LAST)
_INSTANT: Any = Run.due_at
_NONE: frozenset[RunStatus] = frozenset()
_OF_JOB = f'"runs" WHERE "job_id" = job."id" AND {LIVE.sql}'
_GOING = f"""(SELECT {{statuses}} FROM {_OF_JOB} AND "status" IN ({", ".join(f"'{one}'" for one in GOING)}))"""  # noqa: S608  words of our own
DUE = f"""(SELECT MIN("due_at") FROM {_OF_JOB} AND "status" = '{RunStatus.PENDING}')"""  # noqa: S608
# Of the schedule's own run, which an edit may have moved; other kinds of schedule name their instants themselves.
DELAYED_UNTIL = f"""(CASE WHEN job."schedule_kind" = '{DelayFromNow.kind}' THEN
    (SELECT MIN("scheduled_for") FROM "runs" WHERE "job_id" = job."id" AND "trigger" = '{Trigger.SCHEDULE}') END)"""  # noqa: S608
_NEWEST_STARTED = (
    '(SELECT "id" FROM "runs" WHERE "job_id" = job."id" AND "started_at" IS NOT NULL ORDER BY "id" DESC LIMIT 1)'
)
# Few jobs are paused, and the others are not looked up.
_PAUSED_UNTIL = f"""(CASE WHEN job."state" = '{JobState.PAUSED}' THEN
    (SELECT "until" FROM "pause_ends" WHERE "id" = job."id") END)"""  # noqa: S608
_STATUSES = """STRING_AGG(DISTINCT "status", ',')"""
_TAGS = """(SELECT JSON_AGG("tag" ORDER BY "tag")::text FROM "job_tags" WHERE "job_id" = job."id")"""
_SQLITE_STATUSES = 'GROUP_CONCAT(DISTINCT "status")'
_SQLITE_TAGS = """(SELECT JSON_GROUP_ARRAY("tag") FROM (
    SELECT "tag" FROM "job_tags" WHERE "job_id" = job."id" ORDER BY "tag"))"""


class LastStarted(NamedTuple):
    """The shown data of the newest of a job's runs that have started."""

    status: RunStatus
    failure_count: int
    result: Any
    started_at: datetime
    finished_at: datetime | None
    error_message: str | None
    account_id: str  # for which it was made; the job may have moved since


class ShownJob(NamedTuple):
    """A job with its app's name, the statuses of its runs that are not over, its next instant, and its last run."""

    id: UUID
    app_id: UUID
    owner_id: UUID | None
    name: str | None
    title: str | None
    metadata: Any
    account_id: str
    user_id: Any
    board_id: Any
    task_type: str
    callback_url: str | None
    data: Any
    priority: int
    max_retries: int | None
    retry_backoff_base: float | None
    retry_backoff_max: float | None
    time_limit_seconds: float | None
    catch_up: CatchUp
    catch_up_window_seconds: float
    overlap: Overlap
    deadline_at: datetime | None
    deadline_seconds: float | None
    expire: bool
    keep_days: float | None
    keep_last: int | None
    limit_key: str | None
    version: int
    state: JobState
    next_run_at: datetime | None
    polling_state: dict[str, Any] | None
    polls: int
    end_reason: str | None
    created_at: datetime
    created_by: str | None
    updated_at: datetime
    finished_at: datetime | None
    schedule: str  # as it is stored
    app_name: str
    going: frozenset[RunStatus]
    next_due: datetime | None
    delayed_until: datetime | None  # of a schedule that counts from its acceptance or edit
    paused_until: datetime | None
    tags: tuple[str, ...]
    last_started: LastStarted | None


class Fitting(NamedTuple):
    """Jobs that fit on a page, and those that did not, whose long values are left out."""

    jobs: dict[UUID, ShownJob]
    beyond: dict[UUID, ShownJob]


def by_ids(job_ids: Sequence[UUID]) -> dict[UUID, ShownJob]:
    """Returns those of these jobs that are not deleted."""
    if not job_ids:
        return {}
    ids = [one.hex for one in job_ids]
    return {one.id: one for one in map(_shown, database.rows(_statement(len(ids), on_sqlite=is_sqlite()), ids))}


def fitting(job_ids: Sequence[UUID], parts: int | None = None) -> Fitting:
    """Returns those of these jobs that are not deleted, the first ones whole, as many as fit on a page.

    Long values are read only for these: a hundred jobs might have some hundred megabytes of them. If `parts` share the
    room of a page, the smallest jobs come first.
    """
    if not job_ids:
        return Fitting({}, {})
    ids = [one.hex for one in job_ids]
    rows = database.rows(_statement(len(ids), on_sqlite=is_sqlite(), without_long=True), ids)
    jobs = {one.id: one for one in (_shown(row[:-1]) for row in rows)}
    sizes = {one: row[-1] for one, row in zip(jobs, rows, strict=True)}
    there = [one for one in job_ids if one in jobs] if parts is None else sorted(jobs, key=sizes.__getitem__)
    count = count_that_fits((sizes[one] for one in there), MAX_BYTES_IN_PAGE // (parts or 1))
    fit, beyond = there[:count], there[count:]
    whole = by_ids([one for one in fit if sizes[one] > _LONG_BYTES])
    return Fitting({one: whole.get(one) or jobs[one] for one in fit}, {one: jobs[one] for one in beyond})


def going(*, on_sqlite: bool) -> str:
    """Returns the column that reads, for `statuses`, the statuses of a job's runs that are not over."""
    return _GOING.format(statuses=_SQLITE_STATUSES if on_sqlite else _STATUSES)


def statuses(found: str | None) -> frozenset[RunStatus]:
    """Returns the statuses in the value of `going`."""
    return frozenset(map(RunStatus, found.split(","))) if found else _NONE


@functools.cache
def _statement(count: int, *, on_sqlite: bool, without_long: bool = False) -> str:
    """The statement for a number of ids; a list has a hundred at most.

    Without long values, the last column has the size of all values that may be long: JSON is stored in ASCII, so it has
    as many bytes as characters.
    """
    length = ("LENGTH({})" if on_sqlite else "OCTET_LENGTH({})").format
    columns = (
        *_of("job", _COLUMNS, length if without_long else None),
        'job."schedule"',
        'app."name"',
        going(on_sqlite=on_sqlite),
        DUE,
        DELAYED_UNTIL,
        _PAUSED_UNTIL,
        _SQLITE_TAGS if on_sqlite else _TAGS,
        *_of("run", _LAST, length if without_long else None),
        *([_bytes(length)] if without_long else []),
    )
    mark = "?" if on_sqlite else "%s"
    return f"""SELECT {", ".join(columns)} FROM "jobs" AS job JOIN "apps" AS app ON app."id" = job."app_id"
        LEFT JOIN "runs" AS run ON run."id" = {_NEWEST_STARTED}
        WHERE job."id" IN ({", ".join([mark] * count)}) AND job."deleted_at" IS NULL"""  # noqa: S608  names of our own


def _of(alias: str, fields: Iterable[Any], length: Callable[[str], str] | None) -> tuple[str, ...]:
    """Returns columns of a table; if `length` gives the length of a value, without long values."""
    found = []
    for field in fields:
        name = f'{alias}."{field.column_name}"'
        if length is not None and field in _MAY_BE_LONG:
            name = f"CASE WHEN {length(name)} <= {_LONG_BYTES} THEN {name} END"
        found.append(name)
    return tuple(found)


def _bytes(length: Callable[[str], str]) -> str:
    """Returns the column that has the bytes of the values that may be long."""
    tables = {Job: "job", Run: "run"}
    names = sorted(f'{tables[field.model]}."{field.column_name}"' for field in _MAY_BE_LONG)
    return " + ".join(f"COALESCE({length(name)}, 0)" for name in names)


def _shown(row: Sequence[Any]) -> ShownJob:
    of_job, of_last = len(_COLUMNS), len(row) - len(_LAST)
    schedule, app_name, going_on, next_due, delayed_until, paused_until, tags = row[of_job:of_last]
    last = converting.values(_CONVERTERS_OF_LAST, row[of_last:])
    values = (
        *converting.values(_CONVERTERS, row),
        schedule,
        app_name,
        statuses(going_on),
        _INSTANT.python_value(next_due),
        _INSTANT.python_value(delayed_until),
        _INSTANT.python_value(paused_until),
        tuple(json.loads(tags)) if tags else (),
        None if last[0] is None else LastStarted(*last),
    )
    return ShownJob(*values)
