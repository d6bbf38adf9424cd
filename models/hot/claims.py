"""Claim runs: lock the most urgent of a queue, and start them under a lease."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.limits import Limit, Standing
from core.rates import Rate
from models import changes
from models.fields import read_json
from models.hot import of_database
from models.hot.rows import Candidate, ExecutedJob, Picked, StartedRun, Terms, TypePolicy

Convert = Callable[[Any], Any]


def claim(queue: str, room: int, terms: Terms, after: Mapping[int, str]) -> tuple[list[StartedRun], list[Picked]]:
    """Pick and start the most urgent runs of a queue without limits; waits for no lock.

    Parties share the runs that are picked of a priority; the walk over them begins after the party in `after`.
    Returns the runs, and the priorities and parties for which they were picked, if several parties shared a priority.
    """
    rows = list(of_database().claim(queue, room, terms, after))
    picked = [(priority, party) for *_, priority, party in rows if party is not None]
    return _all_started(row[:-2] for row in rows), picked


def candidates(queue: str, room: int, now: datetime, after: Mapping[int, str]) -> list[Candidate]:
    """Lock the most urgent runs of a queue that are due and not held, as `claim` picks them; never waits for a lock."""
    return [candidate(row) for row in of_database().candidates(queue, room, now, after)]


def candidate(row: Sequence[Any]) -> Candidate:
    """Returns the candidate in a row that `candidates` selects."""
    uuid = of_database().uuid
    run_id, job_id, job_version, queue, app_id, app_name, account_id, priority, party, looks_further = row
    ids = uuid(run_id), uuid(job_id), job_version, queue, uuid(app_id)
    return Candidate(*ids, app_name, account_id, priority, party, bool(looks_further))


def limited(
    keys: Collection[str], by_default: Collection[str], default: Rate | None, now: datetime
) -> dict[str, Standing]:
    """Lock the limited ones of these keys until the transaction ends. Returns the state of each.

    The keys in `by_default` have the default rate unless they have a limit of their own.
    """
    span = timedelta() if default is None else default.span
    rows = of_database().limited(keys, [] if default is None else by_default, span, now)
    return {key: _standing(row, default) for key, *row in rows}


def start(run_ids: Collection[UUID], terms: Terms, uses: Sequence[tuple[str, UUID]] = ()) -> list[StartedRun]:
    """Start these picked runs; `uses` has the limited keys that each uses.

    Returns them in the order of the ids.
    """
    return _all_started(of_database().start(run_ids, terms, uses)) if run_ids else []


def _standing(row: Sequence[Any], default: Rate | None) -> Standing:
    is_default, concurrency, calls, seconds, expires_at, running, ended, first_ended_at = row
    instant = of_database().instant
    if is_default:
        limit = Limit(rate=default, is_default=True)
    else:
        limit = Limit(concurrency, None if calls is None else Rate(calls, seconds), instant(expires_at))
    return Standing(limit, running, ended, instant(first_ended_at))


def _all_started(rows: Iterable[Sequence[Any]]) -> list[StartedRun]:
    uuid, instant = of_database().uuid, of_database().instant
    started = [_started(row, uuid, instant) for row in rows]
    changes.note(runs=(run.id for run in started))
    return started


def _started(row: Sequence[Any], uuid: Convert, instant: Convert) -> StartedRun:
    place, run_id, job_id, job_version, attempt_count, fence, scheduled_for, data, *of_job = row
    *of_job, due_at, trace, job_trace = of_job
    return StartedRun(
        place - 1,
        uuid(run_id),
        uuid(job_id),
        job_version,
        attempt_count,
        fence,
        instant(scheduled_for),
        read_json(data, "data"),
        instant(due_at),
        trace,
        job_trace,
        _job(of_job, uuid),
    )


def _job(row: Sequence[Any], uuid: Convert) -> ExecutedJob:
    version, task_type, callback_url, board_id, data, retries, base, most, limit, state, polled, *of_app = row
    app_id, url, *policy = of_app
    type_retries, type_base, request = policy
    return ExecutedJob(
        version,
        task_type,
        callback_url,
        uuid(app_id),
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
