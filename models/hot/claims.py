"""Claim runs: lock the most urgent of a queue, and start them under a lease."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from core.rates import Used
from models import changes
from models.fields import read_json
from models.hot import of_database
from models.hot.rows import ExecutedJob, StartedRun, Terms, TypePolicy


class Picked(NamedTuple):
    """A run that may be claimed."""

    id: UUID
    account_id: str


def claim(queue: str, room: int, terms: Terms) -> list[StartedRun]:
    """Pick and start the most urgent runs of a queue on which no limit is; takes no permits, and waits for no lock."""
    return _all_started(of_database().claim(queue, room, terms))


def pick(queue: str, room: int, now: datetime) -> list[Picked]:
    """Lock the most urgent runs of a queue that are due and not held; never waits for a lock."""
    of_this = of_database()
    return [Picked(of_this.uuid(run_id), account_id) for run_id, account_id in of_this.pick(queue, room, now)]


def permits(account_ids: Collection[str], now: datetime, span: timedelta) -> dict[str, Used]:
    """Lock accounts until the transaction ends, and return the permits in use of each."""
    of_this = of_database()
    found = {account_id: Used() for account_id in account_ids}
    for account_id, taken, first_ended_at in of_this.permits(account_ids, now - span):
        found[account_id] = Used(taken, of_this.instant(first_ended_at))
    return found


def start(run_ids: Collection[UUID], terms: Terms) -> list[StartedRun]:
    """Start these picked runs and open an attempt for each. Returns them in the order of the ids."""
    return _all_started(of_database().start(run_ids, terms)) if run_ids else []


def _all_started(rows: Iterable[Sequence[Any]]) -> list[StartedRun]:
    started = [_started(row) for row in rows]
    changes.note(runs=(run.id for run in started))
    return started


def _started(row: Sequence[Any]) -> StartedRun:
    place, run_id, job_id, job_version, attempt_count, fence, scheduled_for, data, *of_job = row
    return StartedRun(
        place - 1,
        of_database().uuid(run_id),
        of_database().uuid(job_id),
        job_version,
        attempt_count,
        fence,
        of_database().instant(scheduled_for),
        read_json(data, "data"),
        _job(of_job),
    )


def _job(row: Sequence[Any]) -> ExecutedJob:
    version, task_type, callback_url, board_id, data, retries, base, most, limit, state, polled, *of_app = row
    app_id, url, *policy = of_app
    type_retries, type_base, request = policy
    return ExecutedJob(
        version,
        task_type,
        callback_url,
        of_database().uuid(app_id),
        url,
        read_json(board_id, "board_id"),
        read_json(data, "data"),
        retries,
        base,
        most,
        limit,
        read_json(state, "polling_state"),
        polled,
        TypePolicy(type_retries, type_base, read_json(request, "request")),
    )
