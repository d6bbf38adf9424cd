"""Queries on the runs that need a thread now or soon: under way, claimable, and waiting for their instant.

What is read is bounded, and comes from indexes that have only such runs, however many have ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from core.limit_keys import INSTALLATION
from core.policies import Overlap
from core.states import RunStatus
from models.tables import Limit, Run, db
from models.upcoming import ComingJob, PlannedRun


class ComingRun(NamedTuple):
    """A run that needs a thread, its queue and its status."""

    planned: PlannedRun
    queue: str
    status: RunStatus


class Totals(NamedTuple):
    """Whether everything is paused, how many runs may be under way at once, and how many of each queue are claimable.

    Claimable runs are counted up to a limit.
    """

    is_paused: bool
    concurrency: int | None
    claimable: dict[str, int]


def totals(queues: Sequence[str], now: datetime, most: int) -> Totals:
    """Returns what is paused, limited and claimable, counting at most so many runs of each queue."""
    text = f"SELECT {', '.join([_IS_PAUSED, _CONCURRENCY, *[_CLAIMABLE] * len(queues)])}"
    values = [INSTALLATION, _EXPIRES_AT.db_value(now), *(value for queue in queues for value in (queue, most))]
    [(is_paused, concurrency, *counts)] = db.execute_sql(text.replace("?", db.param), values).fetchall()
    return Totals(bool(is_paused), concurrency, dict(zip(queues, counts, strict=True)))


def of_queues(
    queues: Sequence[str], until: datetime, *, most_planned: int, most_waiting: int, most_running: int
) -> list[ComingRun]:
    """Returns runs that wait for an instant up to `until`, claimable ones, and those that keep a thread.

    Of those that wait the soonest, and of each queue the most urgent; at most so many. Runs of paused jobs and apps
    wait for no instant.
    """
    parts = [_WAITING_FOR_INSTANT, *[_CLAIMED_NEXT] * len(queues), _UNDER_WAY]
    found = " UNION ALL ".join(f"SELECT * FROM ({part}) AS part_{number}" for number, part in enumerate(parts))  # noqa: S608
    values = [_DUE_AT.db_value(until), most_planned]
    values += [value for queue in queues for value in (queue, most_waiting)]
    text = _RUNS.replace("FOUND", found).replace("?", db.param)
    return [_coming(*row) for row in db.execute_sql(text, [*values, most_running]).fetchall()]


# Typed loosely: a field of a class is the value that a row has.
_ID: Any = Run.id
_DUE_AT: Any = Run.due_at
_EXPIRES_AT: Any = Limit.expires_at

_IS_PAUSED = "(SELECT paused_at IS NOT NULL FROM installation WHERE id = 1)"
_CONCURRENCY = "(SELECT concurrency FROM limits WHERE key = ? AND (expires_at IS NULL OR expires_at > ?))"
# Each condition is that of a partial index, and each order is that of its columns.
_ARE_CLAIMABLE = """
    FROM runs WHERE status = 'queued' AND held_by IS NULL AND queue = ?
    ORDER BY priority DESC, party, (deadline_at IS NULL), deadline_at, due_at, id LIMIT ?
"""
_CLAIMABLE = f"(SELECT COUNT(*) FROM (SELECT 1 {_ARE_CLAIMABLE}) AS counted)"  # noqa: S608
_OF_RUN = "id, job_id, trigger, scheduled_for, due_at, queue, status"
_WAITING_FOR_INSTANT = f"""
    SELECT {_OF_RUN} FROM runs WHERE status IN ('pending', 'retrying') AND due_at <= ? ORDER BY due_at LIMIT ?
"""  # noqa: S608
_CLAIMED_NEXT = f"SELECT {_OF_RUN} {_ARE_CLAIMABLE}"
_UNDER_WAY = f"""
    SELECT {_OF_RUN} FROM runs WHERE status = 'running' AND reports_until IS NULL ORDER BY party LIMIT ?
"""  # noqa: S608
_RUNS = """
    SELECT jobs.id, jobs.name, jobs.title, jobs.task_type, CAST(jobs.schedule AS TEXT), jobs.runs_started, apps.name,
        jobs.queue, jobs.overlap, found.id, found.trigger, found.scheduled_for, found.due_at, found.queue, found.status
    FROM (FOUND) AS found JOIN jobs ON jobs.id = found.job_id JOIN apps ON apps.id = jobs.app_id
    WHERE found.status NOT IN ('pending', 'retrying')
        OR jobs.deleted_at IS NULL AND jobs.state = 'active' AND apps.paused_at IS NULL AND apps.restored_at IS NULL
    ORDER BY found.due_at, found.id
"""


def _coming(job_id: Any, *rest: Any) -> ComingRun:
    *of_job, overlap, run_id, trigger, scheduled_for, due_at, queue, status = rest
    job = ComingJob._make((_ID.python_value(job_id), *of_job, Overlap(overlap)))
    instants = _DUE_AT.python_value(scheduled_for), _DUE_AT.python_value(due_at)
    return ComingRun(PlannedRun(job, _ID.python_value(run_id), trigger, *instants), queue, RunStatus(status))
