"""Reads jobs with all that is shown of them, in one statement, for the most frequent reads of the API.

The statement is text, and its rows are converted by hand: building an expression, and inspecting each row, for every
request took longer than the database takes to answer.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import GOING, RunStatus
from models.database import is_sqlite
from models.filtering import LIVE
from models.tables import App, Job, Run, db

_JOB: tuple[Any, ...] = tuple(Job._meta.sorted_fields)  # noqa: SLF001  peewee's own way
_ID: Any = Job.id
_APP: tuple[Any, ...] = tuple(App._meta.sorted_fields)  # noqa: SLF001
_LAST: tuple[Any, ...] = (
    Run.id,
    Run.status,
    Run.failure_count,
    Run.result,
    Run.started_at,
    Run.finished_at,
    Run.error_message,
)
_OF_JOB = f'"runs" WHERE "job_id" = job."id" AND {LIVE.sql}'
_GOING = f"""(SELECT {{statuses}} FROM {_OF_JOB} AND "status" IN ({", ".join(f"'{one}'" for one in GOING)}))"""  # noqa: S608  words of our own
_DUE = f"""(SELECT MIN("due_at") FROM {_OF_JOB} AND "status" = '{RunStatus.PENDING}')"""  # noqa: S608
_NEWEST_STARTED = (
    '(SELECT "id" FROM "runs" WHERE "job_id" = job."id" AND "started_at" IS NOT NULL ORDER BY "id" DESC LIMIT 1)'
)
_STATUSES = """STRING_AGG(DISTINCT "status", ',')"""
_TAGS = """(SELECT JSON_AGG("tag" ORDER BY "tag")::text FROM "job_tags" WHERE "job_id" = job."id")"""
_SQLITE_STATUSES = 'GROUP_CONCAT(DISTINCT "status")'
_SQLITE_TAGS = """(SELECT JSON_GROUP_ARRAY("tag") FROM (
    SELECT "tag" FROM "job_tags" WHERE "job_id" = job."id" ORDER BY "tag"))"""


@dataclass(frozen=True)
class ShownJob:
    """A job with its app, and of its runs: statuses of those that go on, when the next is due, the last that started.

    The last run has only what is shown of it.
    """

    job: Job
    going: frozenset[RunStatus]
    next_due: datetime | None
    tags: tuple[str, ...]
    last_started: Run | None


def by_ids(job_ids: Sequence[UUID]) -> dict[UUID, ShownJob]:
    """Returns those of these jobs that are not deleted."""
    if not job_ids:
        return {}
    ids = list(map(_ID.db_value, job_ids))
    rows = db.execute_sql(_statement(len(ids), on_sqlite=is_sqlite()), ids)
    return {shown.job.id: shown for shown in map(_shown, rows.fetchall())}


@functools.cache
def _statement(count: int, *, on_sqlite: bool) -> str:
    """The statement for so many ids; a list has a hundred at most."""
    going = _GOING.format(statuses=_SQLITE_STATUSES if on_sqlite else _STATUSES)
    columns = (
        *_of("job", _JOB),
        *_of("app", _APP),
        *_of("run", _LAST),
        going,
        _DUE,
        _SQLITE_TAGS if on_sqlite else _TAGS,
    )
    mark = "?" if on_sqlite else "%s"
    return f"""SELECT {", ".join(columns)} FROM "jobs" AS job JOIN "apps" AS app ON app."id" = job."app_id"
        LEFT JOIN "runs" AS run ON run."id" = {_NEWEST_STARTED}
        WHERE job."id" IN ({", ".join([mark] * count)}) AND job."deleted_at" IS NULL"""  # noqa: S608  names of our own


def _of(alias: str, fields: Iterable[Any]) -> tuple[str, ...]:
    return tuple(f'{alias}."{field.column_name}"' for field in fields)


def _shown(row: Sequence[Any]) -> ShownJob:
    of_job, of_app = len(_JOB), len(_JOB) + len(_APP)
    of_run = of_app + len(_LAST)
    job = _made(Job, _JOB, row[:of_job])
    job.__rel__["app"] = _made(App, _APP, row[of_job:of_app])
    going, next_due, tags = row[of_run:]
    return ShownJob(
        job,
        frozenset(map(RunStatus, going.split(",") if going else ())),
        Run.due_at.python_value(next_due),
        tuple(json.loads(tags)) if tags else (),
        None if row[of_app] is None else _made(Run, _LAST, row[of_app:of_run]),
    )


def _made(model: Any, fields: Sequence[Any], values: Sequence[Any]) -> Any:
    """Returns a model with these values, converted as peewee converts what it reads."""
    made = model(__no_default__=True)
    made.__data__.update(
        (field.name, None if value is None else field.python_value(value))
        for field, value in zip(fields, values, strict=True)
    )
    return made
