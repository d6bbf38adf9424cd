"""The hot paths on SQLite: statements that do what the functions on PostgreSQL do.

SQLite has one writer at a time, so nothing is locked or skipped here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import peewee

from models.fields import json_text, sqlite_instant, sqlite_text
from models.hot import sqlite_picks
from models.hot.rows import (
    JSON_COLUMNS,
    NEW_RUN,
    NEW_RUN_COLUMNS,
    EndRow,
    EndRows,
    JobChange,
    NewRows,
    Row,
    Stored,
    Terms,
)
from models.tables import db

MARK = "?"
"""What stands for a value in a statement."""
AMONG = "IN (SELECT value FROM JSON_EACH(?))"
"""The condition that an id is one of those given by `ids`."""

_CANDIDATES = """
    SELECT r.id, r.job_id, r.job_version, r.queue, j.app_id, a.name, r.account_id, r.priority, r.party,
        EXISTS (SELECT 1 FROM limits l WHERE l.kind IN ('host', 'key')) OR EXISTS (SELECT 1 FROM breakers)
    FROM JSON_EACH(?) p JOIN runs r ON r.id = p.value JOIN jobs j ON j.id = r.job_id JOIN apps a ON a.id = j.app_id
    ORDER BY p.key
"""
_LIMITS = """
    SELECT key, concurrency, calls, per_seconds, expires_at FROM limits
    WHERE key IN (SELECT value FROM JSON_EACH(?)) AND (expires_at IS NULL OR expires_at > ?)
        AND (concurrency IS NOT NULL OR calls IS NOT NULL)
    UNION ALL
    SELECT key, CASE WHEN probe_at <= ? THEN MAX(places, 1) ELSE places END, NULL, NULL, NULL FROM breakers
    WHERE key IN (SELECT value FROM JSON_EACH(?))
"""
_USED = """
    SELECT (SELECT COUNT(*) FROM uses WHERE key = ? AND ended_at IS NULL), COUNT(*), MIN(ended_at)
    FROM uses WHERE key = ? AND ended_at > ?
"""
_USE = "INSERT INTO uses (key, run_id, fence) SELECT ?, id, fence FROM runs WHERE id = ? ON CONFLICT DO NOTHING"
_END_USES = "UPDATE uses SET ended_at = ? WHERE run_id = ? AND ended_at IS NULL"
_START = """
    UPDATE runs SET status = 'running', attempt_count = attempt_count + 1, fence = fence + 1, worker_id = ?,
        lease_expires_at = ?, held_key = NULL, held_until = NULL, started_at = COALESCE(started_at, ?), claimed_at = ?,
        claimed_token_hash = ?, claimed_polling_version = (
            SELECT j.polling_version FROM jobs j WHERE j.id = runs.job_id AND j.polling_state IS NOT NULL)
    WHERE id = ?
"""
_STARTED = """
    SELECT p.key + 1, r.id, r.job_id, r.job_version, r.attempt_count, r.fence, r.scheduled_for, r.data,
        j.version, j.task_type, j.callback_url, j.board_id, j.data, j.max_retries, j.retry_backoff_base,
        j.retry_backoff_max, j.time_limit_seconds, j.polling_state, j.polling_version, j.app_id, a.callback_base_url,
        t.max_retries, t.retry_backoff_base, t.request, r.due_at, r.trace, j.trace
    FROM JSON_EACH(?) p
    JOIN runs r ON r.id = p.value
    JOIN jobs j ON j.id = r.job_id
    JOIN apps a ON a.id = j.app_id
    LEFT JOIN app_task_types t ON t.app_id = j.app_id AND t.name = j.task_type
    ORDER BY p.key
"""
_ENDED = """
    SELECT j.id, j.version, j.account_id, j.queue, j.schedule_kind, j.schedule, j.priority, j.deadline_at,
        j.deadline_seconds, j.expire, j.state, j.next_run_at, j.polling_state, j.polling_version, j.polls,
        j.created_at, j.deleted_at, j.reopened_at, j.failures_in_row, j.late_since,
        EXISTS (SELECT 1 FROM runs w WHERE w.job_id = j.id AND w.status = 'queued' AND w.held_by = 'overlap'),
        a.name, j.task_type,
        r.id, r.queue, r.job_version, r.scheduled_for, r.failure_count, r.loss_count, r.fence, r.expire,
        r.deadline_at, r.deadline_missed_at, r.late_at, r.cancel_requested_at, r.lease_expires_at, r.reports_until,
        r.report_lease_at,
        CASE WHEN r.was_held OR r.rate_limited_at IS NOT NULL THEN NULL ELSE r.due_at END,
        COALESCE(r.claimed_at, r.started_at)
    FROM jobs j
    JOIN apps a ON a.id = j.app_id
    LEFT JOIN runs r ON r.job_id = j.id AND r.status = 'running' AND r.id IN (SELECT value FROM JSON_EACH(?))
    WHERE j.id IN (SELECT value FROM JSON_EACH(?))
"""
_LEAVE = """
    UPDATE runs SET lease_expires_at = NULL, worker_id = NULL, reports_until = NULL, report_lease_at = NULL,
        claimed_at = NULL, claimed_token_hash = NULL, claimed_polling_version = NULL, {changes}
    WHERE id = ? AND status = 'running'
"""
_KEEP_ATTEMPT = """
    INSERT INTO attempts (
        run_id, number, fence, worker_id, started_at, token_hash, polling_version, outcome, finished_at, error_type,
        error_message, status_code, answer)
    SELECT id, attempt_count, fence, worker_id, COALESCE(claimed_at, started_at, due_at), claimed_token_hash,
        claimed_polling_version, ?, ?, ?, ?, ?, ?
    FROM runs WHERE id = ? AND status = 'running'
    ON CONFLICT (run_id, number) DO UPDATE SET
        outcome = EXCLUDED.outcome, finished_at = EXCLUDED.finished_at, error_type = EXCLUDED.error_type,
        error_message = EXCLUDED.error_message, status_code = EXCLUDED.status_code, answer = EXCLUDED.answer
    WHERE finished_at IS NULL
"""
_KEEP_STATE = """
    INSERT INTO polling_states (job_id, version, state, created_at)
    SELECT id, polling_version, polling_state, CASE polling_version WHEN 0 THEN created_at ELSE ? END
    FROM jobs WHERE id = ?
    ON CONFLICT DO NOTHING
"""
_FORGET_STATES = "DELETE FROM polling_states WHERE job_id = ? AND version < ?"
_MOVE_STATE = "UPDATE jobs SET polling_state = ?, polling_version = polling_version + 1 WHERE id = ?"
_CHANGE = """
    UPDATE jobs SET failures_in_row = ?, late_since = ?, polls = polls + ?, end_reason = COALESCE(?, end_reason)
    WHERE id = ?
"""
_INSERT_RUN = f"""
    INSERT INTO runs ({NEW_RUN_COLUMNS}, attempt_count, failure_count, loss_count, fence, was_held)
    VALUES ({", ".join("?" * len(NEW_RUN))}, 0, 0, 0, 0, FALSE)
    ON CONFLICT DO NOTHING
"""  # noqa: S608  names of columns, from the list in `rows`
_OVER = """
    UPDATE jobs SET state = ?, next_run_at = NULL, finished_at = ?, updated_at = ?
    WHERE id = ? AND state IN ('active', 'paused') AND next_run_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM runs
        WHERE runs.job_id = jobs.id AND runs.status IN ('pending', 'queued', 'running', 'retrying'))
"""
_KNOWN_APPS = """
    SELECT a.id, a.name, a.name_key, a.callback_base_url, a.paused_at IS NOT NULL OR i.paused_at IS NOT NULL,
        a.restored_at IS NOT NULL
    FROM apps a, installation i WHERE a.name_key IN (SELECT value FROM JSON_EACH(?)) AND i.id = 1
"""
_JOB_COLUMNS = (
    "id", "app_id", "owner_id", "account_id", "name", "name_key", "title", "search_text", "metadata", "user_id",
    "board_id", "task_type", "queue", "callback_url", "data", "schedule_kind", "schedule", "priority", "max_retries",
    "retry_backoff_base", "retry_backoff_max", "time_limit_seconds", "catch_up", "catch_up_window_seconds", "overlap",
    "deadline_at", "deadline_seconds", "expire", "limit_key", "state", "next_run_at", "polling_state", "created_at",
    "updated_at", "created_by", "trace",
)  # fmt: skip
_CREATE = f"""
    INSERT INTO jobs ({", ".join(_JOB_COLUMNS)}, version, runs_started, polling_version, polls, failures_in_row)
    VALUES ({", ".join("?" * len(_JOB_COLUMNS))}, 1, 0, 0, 0, 0)
    ON CONFLICT DO NOTHING
"""  # noqa: S608  names of our own
_TAG = "INSERT INTO job_tags (job_id, tag) VALUES (?, ?)"
_EXISTING = "SELECT id FROM jobs WHERE id IN (SELECT value FROM JSON_EACH(?))"
_KEYS_HOLD = "SELECT EXISTS (SELECT 1 FROM held_keys)"
_OF_END = ("outcome", "finished_at", "error_type", "error_message", "status_code", "answer")


def candidates(queue: str, room: int, now: datetime, after: Mapping[int, str]) -> Iterable[Row]:
    return _rows(_CANDIDATES, json.dumps([one.run_id for one in sqlite_picks.pick(queue, room, now, after)]))


def limited(keys: Collection[str], by_default: Collection[str], span: timedelta, now: datetime) -> Iterable[Row]:
    wanted = json.dumps(list(keys))
    limits = {key: limit for key, *limit in _rows(_LIMITS, wanted, now, now, wanted)}
    for key in sorted(keys):
        is_default = key not in limits
        if is_default and key not in by_default:
            continue
        concurrency, calls, seconds, expires_at = limits.get(key, (None, None, None, None))
        since = now - (span if is_default else timedelta(seconds=seconds or 0))
        [used] = _rows(_USED, key, key, since)
        yield key, is_default, concurrency, calls, seconds, expires_at, *used


def start(run_ids: Collection[UUID], terms: Terms, uses: Sequence[tuple[str, UUID]]) -> Iterable[Row]:
    picked = ids(run_ids)
    lease = (terms.worker_id, terms.expires_at, terms.now, terms.now)
    _execute_many(_START, ((*lease, token, run_id) for run_id, token in zip(run_ids, terms.token_hashes, strict=False)))
    _execute_many(_USE, uses)
    return _rows(_STARTED, picked)


def claim(queue: str, room: int, terms: Terms, after: Mapping[int, str]) -> Iterable[Row]:
    picks = sqlite_picks.pick(queue, room, terms.now, after)
    started = start([UUID(one.run_id) for one in picks], terms, ()) if picks else []
    return [(*row, one.priority, one.party) for row, one in zip(started, picks, strict=True)]


def lock_ended(job_ids: Collection[UUID], run_ids: Collection[UUID], *, waits_for_locks: bool) -> Iterable[Row]:  # noqa: ARG001
    return _rows(_ENDED, ids(run_ids), ids(job_ids))


def end(ends: EndRows, now: datetime) -> None:
    for one in ends.runs:
        _end_run(one)
    for change in ends.jobs:
        _change_job(change, now)
    insert_runs(ends.following)
    for candidate in ends.maybe_over:
        _execute(_OVER, candidate["state"], now, now, candidate["id"])


def insert_runs(rows: Sequence[Mapping[str, Any]]) -> None:
    _execute_many(_INSERT_RUN, ([row[name] for name in NEW_RUN] for row in rows))


def known_apps(name_keys: Collection[str]) -> Iterable[Row]:
    return _rows(_KNOWN_APPS, json.dumps(list(name_keys)))


def create(rows: NewRows) -> Stored:
    _execute_many(_CREATE, map(_of_job, rows.jobs))
    stored = {UUID(job_id) for (job_id,) in existing_jobs([job["id"] for job in rows.jobs])}
    _execute_many(_TAG, ((job_id, tag) for job_id, given in rows.tags.items() if job_id in stored for tag in given))
    insert_runs([{**run, "job_id": run["job"]} for run in rows.runs if run["job"] in stored])
    return Stored(stored, bool(_execute(_KEYS_HOLD).fetchone()[0]))


def existing_jobs(job_ids: Collection[UUID]) -> Iterable[Row]:
    return _rows(_EXISTING, ids(job_ids))


def instant(value: Any) -> Any:
    return sqlite_instant(value)


def uuid(value: str) -> UUID:
    return UUID(value)


def ids(given: Collection[UUID]) -> Any:
    return json.dumps([one.hex for one in given])


def as_stored(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    return sqlite_text(value) if isinstance(value, datetime) else value


def _end_run(one: EndRow) -> None:
    _execute(_KEEP_ATTEMPT, *(one.attempt.get(name) for name in _OF_END), one.run_id)
    changes = ", ".join(f"{name} = ?" for name in one.changes)  # names of columns, from core's own decisions
    _execute(_LEAVE.format(changes=changes), *one.changes.values(), one.run_id)
    _execute(_END_USES, one.attempt["finished_at"], one.run_id)


def _change_job(change: JobChange, now: datetime) -> None:
    job_id = change["id"]
    if change["moves"]:
        _execute(_KEEP_STATE, now, job_id)  # stored already, unless it is the first
        _execute(_MOVE_STATE, change["polling_state"], job_id)
        _execute(_KEEP_STATE, now, job_id)
        _execute(_FORGET_STATES, job_id, change["oldest_kept"])
    condition = (change["failures_in_row"], change["late_since"])
    _execute(_CHANGE, *condition, change["polls"], change["end_reason"], job_id)


def _of_job(job: Mapping[str, Any]) -> Iterable[Any]:
    for name in _JOB_COLUMNS:
        value = job[name]
        yield json_text(value) if value is not None and name in JSON_COLUMNS else value


def _rows(text: str, *parameters: Any) -> Iterable[Row]:
    return list(_execute(text, *parameters))


def _execute(text: str, *parameters: Any) -> Any:
    return db.execute_sql(text, tuple(as_stored(value) for value in parameters))


def _execute_many(text: str, rows: Iterable[Iterable[Any]]) -> None:
    cursor: Any = db.cursor()
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # as `execute_sql` has it: errors become peewee's
        cursor.executemany(text, [[as_stored(value) for value in row] for row in rows])
