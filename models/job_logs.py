"""Reads a job's log. It is asked for often, so the queries are text, and read only the columns that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import Hold, Outcome, RunStatus
from models.database import is_sqlite
from models.filtering import LIVE
from models.hot import of_database
from models.tables import db

_ATTEMPTS = """
    SELECT number, started_at, finished_at, outcome, error_type, error_message, status_code FROM attempts
    WHERE run_id IN (SELECT id FROM runs WHERE job_id = ? AND attempt_count > 0 ORDER BY id DESC LIMIT ?)
    ORDER BY started_at DESC, number DESC LIMIT ?
"""
_WAITS = """
    SELECT held_by, attempt_count, started_at, rate_wait_seconds, rate_limited_at FROM runs
    WHERE job_id = ? AND rate_limited_at IS NOT NULL ORDER BY id DESC LIMIT ?
"""
_RETRYING = f"SELECT 1 FROM runs WHERE job_id = ? AND {LIVE.sql} AND status = '{RunStatus.RETRYING}' LIMIT 1"  # noqa: S608


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """What the log shows of an attempt."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    error_type: str | None
    error_message: str | None
    status_code: int | None


@dataclass(frozen=True, slots=True)
class LoggedWait:
    """What the log shows of a run that was held for want of a permit: the last hold."""

    held_by: Hold | None
    attempt_count: int
    started_at: datetime | None
    rate_wait_seconds: float
    rate_limited_at: datetime


def attempts(job_id: UUID, limit: int) -> list[LoggedAttempt]:
    """Attempts at a job's newest runs, newest first; a long history is not read."""
    return [_attempt(*row) for row in _rows(_ATTEMPTS, job_id, limit, limit)]


def waits(job_id: UUID, limit: int) -> list[LoggedWait]:
    """The newest runs of a job that were held for want of a permit."""
    return [_wait(*row) for row in _rows(_WAITS, job_id, limit)]


def is_retrying(job_id: UUID) -> bool:
    """Whether a run of a job waits to be tried again."""
    return bool(_rows(_RETRYING, job_id))


def _attempt(number: int, started_at: Any, finished_at: Any, outcome: str | None, *rest: Any) -> LoggedAttempt:
    instant = of_database().instant
    ended = None if outcome is None else Outcome(outcome)
    return LoggedAttempt(number, instant(started_at), instant(finished_at), ended, *rest)


def _wait(held_by: str | None, attempt_count: int, started_at: Any, seconds: float, limited_at: Any) -> LoggedWait:
    instant = of_database().instant
    hold = None if held_by is None else Hold(held_by)
    return LoggedWait(hold, attempt_count, instant(started_at), seconds, instant(limited_at))


def _rows(text: str, job_id: UUID, *parameters: Any) -> Sequence[Any]:
    on_sqlite = is_sqlite()
    key = job_id.hex if on_sqlite else str(job_id)
    found: Sequence[Any] = db.execute_sql(text if on_sqlite else text.replace("?", "%s"), (key, *parameters)).fetchall()
    return found
