"""Which runs a claim must take: the most urgent, of which parties share those of a priority, as the limits allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core import fairness, limits
from core.fairness import Waiting
from core.limits import Limit, Standing
from core.states import RunStatus
from services.execution.rotation import Rotation
from services.execution.work import Work
from services.messaging.broker import RUNS_HTTP
from settings import Settings
from tests.integration.execution.walks.rows import Row, Rows

LEASE = timedelta(seconds=60)
APART = timedelta(seconds=2)
LOOKS = 10
_OF_HOLD = ("held_by", "held_key", "held_until", "rate_limited_at", "rate_wait_seconds")


def claimable(rows: Rows, now: datetime) -> list[Row]:
    """The runs that may be claimed, most urgent first."""
    due = [run for run in rows.runs.values() if run["status"] is RunStatus.QUEUED and run["held_by"] is None]
    in_time = [run for run in due if not run["expire"] or run["deadline_at"] >= now]

    def urgency(run: Row) -> tuple[object, ...]:
        deadline_at = run["deadline_at"]
        return (-run["priority"], deadline_at is None, deadline_at or now, run["due_at"], run["id"])

    return sorted(in_time, key=urgency)


@dataclass
class Foretold:
    """The runs that a claim must take, and those that it must put back."""

    taken: set[UUID]
    put_back: set[UUID]


def let_go(
    rows: Rows, settings: Settings, now: datetime, most: int, *, rotation: Rotation, worker_id: UUID
) -> Foretold:
    """Those of the claimable runs that the limits let go, at most so many.

    A claim looks again, up to ten times, while the limits hold others of those that it picked, or it puts some back.
    """
    on_last_try = [run for run in rows.running() if run["worker_id"] == worker_id and _is_on_last_try(run)]
    put_back = list[Row]()
    rotation = deepcopy(rotation)
    waiting, taken, in_flight = claimable(rows, now), list[Row](), in_flight_of(rows)
    standings = _standings(rows, settings, now)
    for _ in range(LOOKS):
        room = most - len(taken)
        if settings.max_concurrent_runs is not None:
            room = min(room, settings.max_concurrent_runs - len(rows.running()) - len(taken))
        calls = [(run, [run["party"]]) for run in picked(waiting, in_flight, rotation.after(RUNS_HTTP), room)]
        allowed, refused = limits.within(calls, standings)
        rotation.advance(RUNS_HTTP, [(run["priority"], run["party"]) for run in allowed])
        waiting = [one for one in waiting if one not in allowed]
        many = [run for run in allowed if _is_on_last_try(run)][0 if on_last_try else 1 :]
        allowed = [run for run in allowed if run not in many]
        put_back += many
        on_last_try += [run for run in allowed if _is_on_last_try(run)]
        taken += allowed
        begun = Counter(run["party"] for run in allowed)
        in_flight += begun
        standings = {party: limits.after(standing, begun[party]) for party, standing in standings.items()}
        held = {(run["priority"], run["party"]) for runs in refused.values() for run in runs}
        waiting = [one for one in waiting if (one["priority"], one["party"]) not in held]
        if not (refused or many) or len(taken) == most:
            break
    return Foretold({run["id"] for run in taken}, {run["id"] for run in put_back})


def _is_on_last_try(run: Row) -> bool:
    return run["loss_count"] == 2 and run["reports_until"] is None


def picked(waiting: Sequence[Row], in_flight: Counter[str], after: Mapping[int, str], room: int) -> list[Row]:
    """The runs that a claim picks of those that wait: of each priority, of each party its share, most urgent first."""
    found: list[Row] = []
    for priority in sorted({run["priority"] for run in waiting}, reverse=True):
        of_parties: dict[str, list[Row]] = {}
        for run in waiting:
            if run["priority"] == priority:
                of_parties.setdefault(run["party"], []).append(run)
        found += _shared(of_parties, in_flight, after.get(priority, ""), room - len(found))
    return found


def _shared(of_parties: dict[str, list[Row]], in_flight: Counter[str], after: str, room: int) -> list[Row]:
    found: list[Row] = []
    taken = Counter[str]()
    spent = set[str]()
    while len(found) < room and len(spent) < len(of_parties):
        slots = room - len(found)
        walk = sorted(of_parties.keys() - spent, key=lambda party: (party <= after, party))[: 2 * slots]
        waiting = [Waiting(party, in_flight[party] + taken[party]) for party in walk]
        for party, share in fairness.shares(waiting, slots).items():
            some = of_parties[party][taken[party] : taken[party] + share]
            found += some
            taken[party] += len(some)
            if len(some) < share:
                spent.add(party)
    return found


def in_flight_of(rows: Rows) -> Counter[str]:
    return Counter(run["party"] for run in rows.running() if run["reports_until"] is None)


def _standings(rows: Rows, settings: Settings, now: datetime) -> dict[str, Standing]:
    """How the rate of each party stands, which are accounts of two apps here; none without a rate."""
    if settings.account_rate is None:
        return {}
    since = now - settings.account_rate.span
    in_use = [one for one in rows.attempts.values() if one["finished_at"] is None or one["finished_at"] > since]
    used = Counter(rows.runs[one["run"]]["party"] for one in in_use)
    limit = Limit(rate=settings.account_rate)
    return {run["party"]: Standing(limit, used[run["party"]]) for run in rows.runs.values()}


def account(rows: Rows, run: Row) -> str:
    """The account that a run is for: equal accounts of two apps are two."""
    return f"{rows.jobs[run['job']]['app']}/{run['account_id']}"


def rows_after(before: Rows, found: Rows, works: Sequence[Work], put_back: Collection[UUID], now: datetime) -> Rows:
    """The rows once these were claimed; the worker, new attempts, and who is held for want of a permit as was found."""
    expected = before.copy()
    for run in map(expected.runs.__getitem__, put_back):
        run |= {"status": RunStatus.RETRYING, "due_at": now + APART, "fence": run["fence"] + 1}
        run |= {"held_key": None, "held_until": None}
    for work in works:
        run = expected.runs[work.run_id]
        run |= {"status": RunStatus.RUNNING, "lease_expires_at": now + LEASE}
        run |= {name: found.runs[work.run_id][name] for name in ("worker_id", "claimed_token_hash")}
        job = expected.jobs[run["job"]]
        polled = None if job["polling_state"] is None else job["polling_version"]
        run |= {"claimed_at": now, "claimed_polling_version": polled}
        run |= {"started_at": run["started_at"] or now, "held_key": None, "held_until": None}
        run |= {"attempt_count": run["attempt_count"] + 1, "fence": run["fence"] + 1}
        assert (work.attempt, work.fence) == (run["attempt_count"], run["fence"])
        expected.attempts[work.run_id, work.attempt] = found.attempts[work.run_id, work.attempt]
    for run_id, run in expected.runs.items():
        if run["status"] is RunStatus.QUEUED and run["held_by"] is None:
            run |= {name: found.runs[run_id][name] for name in _OF_HOLD}
    return expected
