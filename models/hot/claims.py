"""Claim runs: lock the most urgent of a queue, and start them under a lease."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.limits import Limit, Standing
from core.rates import Rate
from models import changes
from models.hot import of_database
from models.hot.conversions import Conversions, as_json, converted, of_columns
from models.hot.rows import Candidate, ExecutedJob, Picked, Row, StartedRun, Terms, TypePolicy
from models.hot.statements import HotStatements

# A row of a started run has the columns of the run, with those of its job and of its policy in the place of the job.
_OF_RUN = StartedRun._fields
_OF_JOB = ExecutedJob._fields[: ExecutedJob._fields.index("policy")]
_OF_POLICY = [one.name for one in fields(TypePolicy)]
_JOB = _OF_RUN.index("job")
_POLICY = _JOB + len(_OF_JOB)
_REST = _POLICY + len(_OF_POLICY)
_COLUMNS = (
    *_OF_RUN[:_JOB],
    *(f"job.{name}" for name in _OF_JOB),
    *(f"policy.{name}" for name in _OF_POLICY),
    *_OF_RUN[_JOB + 1 :],
)


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


def candidate(row: Row) -> Candidate:
    """Returns the candidate in a row that `candidates` selects."""
    return Candidate(*converted(row, _of_candidates(of_database())))


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


def _standing(row: Row, default: Rate | None) -> Standing:
    is_default, concurrency, calls, seconds, expires_at, running, ended, first_ended_at = row
    instant = of_database().instant
    if is_default:
        limit = Limit(rate=default, is_default=True)
    else:
        limit = Limit(concurrency, None if calls is None else Rate(calls, seconds), instant(expires_at))
    return Standing(limit, running, ended, instant(first_ended_at))


def _all_started(rows: Iterable[Row]) -> list[StartedRun]:
    conversions = _of_started(of_database())
    started = [_started(converted(row, conversions)) for row in rows]
    changes.note(runs=(run.id for run in started))
    return started


def _started(columns: list[Any]) -> StartedRun:
    policy = TypePolicy(*columns[_POLICY:_REST])
    job = ExecutedJob._make((*columns[_JOB:_POLICY], policy, None))
    return StartedRun._make((*columns[:_JOB], job, *columns[_REST:]))


@functools.cache
def _of_candidates(statements: HotStatements) -> Conversions:
    uuid = statements.uuid
    names = [one.name for one in fields(Candidate)]
    return of_columns(names, {"id": uuid, "job_id": uuid, "app_id": uuid, "needs_job": bool})


@functools.cache
def _of_started(statements: HotStatements) -> Conversions:
    uuid, instant = statements.uuid, statements.instant
    by_name = {
        "place": lambda place: place - 1,  # the databases count from 1
        "id": uuid,
        "job_id": uuid,
        "scheduled_for": instant,
        **as_json("data"),
        **as_json("job.board_id", "job.data", "job.polling_state", "policy.request"),
        "job.app_id": uuid,
        "due_at": instant,
    }
    return of_columns(_COLUMNS, by_name)
