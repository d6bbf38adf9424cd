"""The hot paths on PostgreSQL: mostly calls of functions that migrations have created."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from models.fields import json_text
from models.hot.conversions import unchanged
from models.hot.rows import JSON_COLUMNS, NEW_RUN, NEW_RUN_COLUMNS, EndRows, NewRows, Row, Stored, Terms
from models.pauses import GATE
from models.tables import db

MARK = "%s"
"""What stands for a value in a statement."""
AMONG = "= ANY (%s::UUID[])"
"""The condition that an id is one of those given by `ids`."""

_CANDIDATES = "SELECT * FROM carillon_candidates_v3(%s, %s, %s, %s::TEXT[])"
_LIMITED = "SELECT * FROM carillon_limited_v3(%s::TEXT[], %s::TEXT[], %s, %s)"
_START = "SELECT * FROM carillon_start_v5(%s::UUID[], %s, %s, %s, %s::TEXT[], %s::TEXT[], %s::UUID[]) ORDER BY place"
_CLAIM = "SELECT * FROM carillon_claim_v5(%s, %s, %s, %s, %s, %s::TEXT[], %s::TEXT[]) ORDER BY place"
_LOCK_ENDED = "SELECT * FROM carillon_lock_ended_v3(%s, %s::UUID[], %s::UUID[], %s)"
_INSERT_RUNS = f"""
    INSERT INTO runs ({NEW_RUN_COLUMNS}, attempt_count, failure_count, loss_count, fence, was_held)
    SELECT {NEW_RUN_COLUMNS}, 0, 0, 0, 0, FALSE
    FROM JSONB_TO_RECORDSET(%s) AS f ({", ".join(f"{name} {kind}" for name, kind in NEW_RUN.items())})
    ON CONFLICT DO NOTHING
"""  # noqa: S608  names of columns, from the list in `rows`
_END = "SELECT carillon_end_v3(%s, %s, %s, %s)"
_KNOWN_APPS = """
    SELECT a.id, a.name, a.name_key, a.callback_base_url, a.paused_at IS NOT NULL OR i.paused_at IS NOT NULL,
        a.restored_at IS NOT NULL
    FROM apps a, installation i WHERE a.name_key = ANY (%s) AND i.id = 1
"""
_CREATE = "SELECT carillon_create_v4(%s, %s, %s), EXISTS (SELECT FROM held_keys)"
_EXISTING = "SELECT id FROM jobs WHERE id = ANY (%s::UUID[])"


def candidates(queue: str, room: int, now: datetime, after: Mapping[int, str]) -> Iterable[Row]:
    return _rows(_CANDIDATES, queue, room, now, _by_priority(after))


def limited(keys: Collection[str], by_default: Collection[str], span: timedelta, now: datetime) -> Iterable[Row]:
    return _rows(_LIMITED, list(keys), list(by_default), int(span.total_seconds()), now)


def start(run_ids: Collection[UUID], terms: Terms, uses: Sequence[tuple[str, UUID]]) -> Iterable[Row]:
    used = [key for key, _ in uses], ids([run_id for _, run_id in uses])
    hashes = list(terms.token_hashes)
    return _rows(_START, ids(run_ids), str(terms.worker_id), terms.now, terms.expires_at, hashes, *used)


def claim(queue: str, room: int, terms: Terms, after: Mapping[int, str]) -> Iterable[Row]:
    hashes = list(terms.token_hashes)
    return _rows(_CLAIM, queue, room, str(terms.worker_id), terms.now, terms.expires_at, hashes, _by_priority(after))


def lock_ended(job_ids: Collection[UUID], run_ids: Collection[UUID], *, waits_for_locks: bool) -> Iterable[Row]:
    return _rows(_LOCK_ENDED, GATE, ids(job_ids), ids(run_ids), waits_for_locks)


def end(ends: EndRows, now: datetime) -> None:
    if ends.following:  # first: a job with a run that follows is not over
        insert_runs(ends.following)
    runs = [{"id": one.run_id, "c": one.changes, **one.attempt} for one in ends.runs]
    lists = (runs, ends.jobs, ends.maybe_over)
    db.execute_sql(_END, (*(_json(rows) for rows in lists), now))


def insert_runs(rows: Sequence[Mapping[str, Any]]) -> None:
    db.execute_sql(_INSERT_RUNS, (_json(rows),))


def known_apps(name_keys: Collection[str]) -> Iterable[Row]:
    return _rows(_KNOWN_APPS, list(name_keys))


def create(rows: NewRows) -> Stored:
    jobs = [_given(job) for job in rows.jobs]
    tags = [{"job_id": job_id, "tag": tag} for job_id, given in rows.tags.items() for tag in given]
    runs = [_given(run) for run in rows.runs]
    found = list(_rows(_CREATE, _json(jobs), _json(tags), _json(runs)))
    return Stored({job_id for job_id, _ in found}, any(keys_hold for _, keys_hold in found))


def existing_jobs(job_ids: Collection[UUID]) -> Iterable[Row]:
    return _rows(_EXISTING, ids(job_ids))


instant = uuid = unchanged


def ids(given: Collection[UUID]) -> Any:
    return [one.hex for one in given]


def as_stored(value: Any) -> Any:
    return value


def _by_priority(after: Mapping[int, str]) -> list[str]:
    """Returns the parties as an array indexed by priority."""
    return [after.get(priority, "") for priority in range(max(after, default=-1) + 1)]


def _given(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the columns that have a value, JSON as its text."""
    given = {name: value for name, value in row.items() if value is not None}
    for name in JSON_COLUMNS & given.keys():
        given[name] = json_text(given[name])
    return given


def _rows(text: str, *parameters: Any) -> Iterable[Row]:
    found: Iterable[Row] = db.execute_sql(text, parameters).fetchall()
    return found


def _json(rows: Any) -> str:
    return orjson.dumps(rows).decode()
