"""Reads a job's log. Since it is read often, it is SQL text for one statement, with only the shown columns."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import Hold, Outcome, RunStatus
from models import database
from models.database import is_sqlite
from models.filtering import LIVE

# Not of the view `all_attempts`: PostgreSQL would look through every run that is running.
_ATTEMPTS = f"""
    SELECT number, started_at, finished_at, outcome, error_type, error_message, status_code FROM attempts
    WHERE run_id IN (SELECT id FROM runs WHERE job_id = ?{{of_account}} AND attempt_count > 0 ORDER BY id DESC LIMIT ?)
    UNION ALL
    SELECT attempt_count, claimed_at, NULL, NULL, NULL, NULL, NULL FROM runs
    WHERE job_id = ?{{of_account}} AND {LIVE.sql} AND status = '{RunStatus.RUNNING}' AND claimed_at IS NOT NULL
    ORDER BY 2 DESC, 1 DESC LIMIT ?
"""  # noqa: S608  words of our own
_WAITS = """
    SELECT held_by, attempt_count, started_at, rate_wait_seconds, rate_limited_at FROM runs
    WHERE job_id = ?{of_account} AND rate_limited_at IS NOT NULL ORDER BY id DESC LIMIT ?
"""
# As JSON, so that one statement reads a job's status with its log. Floats are passed as text, because SQLite's
# JSON rounds them.
_OF_ATTEMPT = "number, started_at, finished_at, outcome, error_type, error_message, status_code"
_OF_WAIT = "held_by, attempt_count, started_at, {seconds}, rate_limited_at"
_AS_ARRAY = "(SELECT JSON_AGG(JSON_BUILD_ARRAY({columns}))::text FROM ({rows}) one)"
_SQLITE_AS_ARRAY = "(SELECT JSON_GROUP_ARRAY(JSON_ARRAY({columns})) FROM ({rows}) one)"


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """An attempt as the log shows it."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    error_type: str | None
    error_message: str | None
    status_code: int | None


@dataclass(frozen=True, slots=True)
class LoggedWait:
    """A run that was held by a limit as the log shows it: its last hold."""

    held_by: Hold | None
    attempt_count: int
    started_at: datetime | None
    rate_wait_seconds: float
    rate_limited_at: datetime


@dataclass(frozen=True, slots=True)
class JobLog:
    """Attempts at a job's newest runs, newest first, and its newest runs that were held by a limit."""

    attempts: Sequence[LoggedAttempt]
    waits: Sequence[LoggedWait]


def of_job(job_id: UUID, limit: int, account_id: str | None = None) -> JobLog:
    """Returns a job's log, with a bounded number of attempts and waits; a long history is not read.

    If an account is given, only for runs that were made for it.
    """
    text = f"SELECT {columns(on_sqlite=is_sqlite(), of_account=account_id is not None)}"
    [row] = database.rows(text, parameters(job_id, limit, account_id))
    return read(*row)


@functools.cache
def columns(*, on_sqlite: bool, of_account: bool = False) -> str:
    """Returns the columns of a statement that read a job's log, for `read`; `of_account`, that of one account."""
    mine = {"of_account": " AND account_id = ?" if of_account else ""}
    as_array = _SQLITE_AS_ARRAY if on_sqlite else _AS_ARRAY
    seconds = "PRINTF('%!.17g', rate_wait_seconds)" if on_sqlite else "rate_wait_seconds::text"
    of_attempts = as_array.format(columns=_OF_ATTEMPT, rows=_ATTEMPTS.format(**mine))
    of_waits = as_array.format(columns=_OF_WAIT.format(seconds=seconds), rows=_WAITS.format(**mine))
    text = f"{of_attempts}, {of_waits}"
    return text if on_sqlite else text.replace("?", "%s")


def parameters(job_id: UUID, limit: int, account_id: str | None = None) -> Sequence[Any]:
    """Returns the parameters of `columns`."""
    of_each = (job_id.hex, limit) if account_id is None else (job_id.hex, account_id, limit)
    return of_each * 3


def read(attempts: str | None, waits: str | None) -> JobLog:
    """Returns the log in the values of `columns`."""
    return JobLog([_attempt(*row) for row in _array(attempts)], [_wait(*row) for row in _array(waits)])


def _array(text: str | None) -> Sequence[Any]:
    found: Sequence[Any] = json.loads(text) if text else ()
    return found


def _attempt(number: int, started_at: str, finished_at: str | None, outcome: str | None, *rest: Any) -> LoggedAttempt:
    ended = None if outcome is None else Outcome(outcome)
    return LoggedAttempt(number, _instant(started_at), _instant(finished_at), ended, *rest)


def _wait(held_by: str | None, attempt_count: int, started_at: str | None, seconds: str, limited_at: str) -> LoggedWait:
    hold = None if held_by is None else Hold(held_by)
    return LoggedWait(hold, attempt_count, _instant(started_at), float(seconds), _instant(limited_at))


def _instant(text: str | None) -> Any:
    """Returns an instant as either database writes it in JSON, in UTC."""
    return None if text is None else datetime.fromisoformat(text)
