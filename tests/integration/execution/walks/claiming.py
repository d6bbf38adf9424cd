"""Which runs a claim must take: the most urgent, as far as the limits let them go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core import limits
from core.limits import Limit, Standing
from core.states import RunStatus
from services.execution.work import Work
from settings import Settings
from tests.integration.execution.walks.rows import Row, Rows

LEASE = timedelta(seconds=60)
_OF_HOLD = ("held_by", "held_key", "held_until", "rate_limited_at", "rate_wait_seconds")


def claimable(rows: Rows, now: datetime) -> list[Row]:
    """The runs that may be claimed, most urgent first."""
    due = [run for run in rows.runs.values() if run["status"] is RunStatus.QUEUED and run["held_by"] is None]
    in_time = [run for run in due if not run["expire"] or run["deadline_at"] >= now]

    def urgency(run: Row) -> tuple[object, ...]:
        deadline_at = run["deadline_at"]
        return (-run["priority"], deadline_at is None, deadline_at or now, run["due_at"], run["id"])

    return sorted(in_time, key=urgency)


def let_go(rows: Rows, settings: Settings, now: datetime, most: int) -> list[UUID]:
    """Those of the claimable runs that the limits let go, at most so many."""
    room = most
    if settings.max_concurrent_runs is not None:
        room = min(most, settings.max_concurrent_runs - len(rows.running()))
    urgent = claimable(rows, now)
    if settings.account_rate is None:
        return _ids(urgent[:room])
    since = now - settings.account_rate.span
    in_use = [one for one in rows.attempts.values() if one["finished_at"] is None or one["finished_at"] > since]
    used = Counter(account(rows, rows.runs[one["run"]]) for one in in_use)
    limit = Limit(rate=settings.account_rate)
    calls = [(run["id"], [account(rows, run)]) for run in urgent]
    allowed, _ = limits.within(calls, {key: Standing(limit, used[key]) for _, [key] in calls})
    return allowed[:room]


def account(rows: Rows, run: Row) -> str:
    """The account that a run is for: equal accounts of two apps are two."""
    return f"{rows.jobs[run['job']]['app']}/{run['account_id']}"


def _ids(runs: Sequence[Row]) -> list[UUID]:
    return [run["id"] for run in runs]


def rows_after(before: Rows, found: Rows, works: Sequence[Work], now: datetime) -> Rows:
    """The rows once these were claimed; the worker, new attempts, and who is held for want of a permit as was found."""
    expected = before.copy()
    for work in works:
        run = expected.runs[work.run_id]
        run |= {"status": RunStatus.RUNNING, "lease_expires_at": now + LEASE}
        run["worker_id"] = found.runs[work.run_id]["worker_id"]
        run |= {"started_at": run["started_at"] or now, "held_key": None, "held_until": None}
        run |= {"attempt_count": run["attempt_count"] + 1, "fence": run["fence"] + 1}
        assert (work.attempt, work.fence) == (run["attempt_count"], run["fence"])
        expected.attempts[work.run_id, work.attempt] = found.attempts[work.run_id, work.attempt]
    for run_id, run in expected.runs.items():
        if run["status"] is RunStatus.QUEUED and run["held_by"] is None:
            run |= {name: found.runs[run_id][name] for name in _OF_HOLD}
    return expected
