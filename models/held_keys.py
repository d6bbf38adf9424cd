"""Queries on runs that a limit holds, and on the keys of these limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.limit_keys import ACCOUNT
from core.states import KEYED_HOLDS, Hold, RunStatus
from models import changes, limits, run_holds, set_based
from models.claims import BY_PARTY, MOST_URGENT_FIRST
from models.database import for_update, is_sqlite
from models.fields import sqlite_text
from models.filtering import CLAIMABLE
from models.hot.rows import Candidate
from models.tables import HeldKey, Limit, Run, db

# Exactly the condition of the index.
_LIMITED = peewee.SQL("status = 'queued' AND held_key IS NOT NULL")

# Jumps from key to key in the index, so that the number of runs under each does not matter.
_KEYS_OF_RUNS = """
    WITH RECURSIVE held (key) AS (
        SELECT (
            SELECT MIN(r.held_key) FROM runs r
            WHERE r.status = 'queued' AND r.held_key IS NOT NULL
                AND r.held_by IN ('rate_limit', 'concurrency', 'destination'))
        UNION ALL
        SELECT (
            SELECT MIN(r.held_key) FROM runs r
            WHERE r.status = 'queued' AND r.held_key > h.key AND r.held_key IS NOT NULL
                AND r.held_by IN ('rate_limit', 'concurrency', 'destination'))
        FROM held h WHERE h.key IS NOT NULL
    )
    SELECT h.key FROM held h
    WHERE h.key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM held_keys k WHERE k.key = h.key)
"""

_WAITING = f"""
    SELECT CAST(? AS TEXT), (SELECT COUNT(*) FROM (
        SELECT 1 FROM runs WHERE status = 'queued' AND held_key IS NOT NULL AND held_key = ?
            AND held_by IN ({", ".join(f"'{one}'" for one in KEYED_HOLDS)}) LIMIT ?
    ) AS held)
"""  # noqa: S608  words of our own


def front_of(queue: str, lines: Collection[tuple[int, str]], limit: int, *, needs_job: bool) -> list[Candidate]:
    """Returns the most urgent claimable runs of a queue, an equal share for each of these priorities and parties.

    Returns a bounded number of them, with the data that their limit keys are made of.
    """
    found: list[Candidate] = []
    for priority, party in lines:
        condition = (Run.queue == queue) & (Run.priority == priority) & (Run.party == party) & CLAIMABLE
        query = limits.of_candidates(condition, needs_job=needs_job).order_by(*BY_PARTY)
        found += limits.candidates(query.limit(limit // len(lines)))
    return found


def hold(by_keys: Iterable[tuple[HeldKey, Collection[UUID]]], now: datetime) -> None:
    """Hold runs, each under a locked key; leave out those that another process has locked."""
    newly_held: list[UUID] = []
    for held, run_ids in by_keys:
        still_claimable = for_update(Run.select(Run.id).where(Run.id.in_(list(run_ids)), CLAIMABLE), skip_locked=True)
        newly_held += changes.update_runs_returning_ids(Run.update(_held(held, now)).where(Run.id.in_(still_claimable)))
        put(held)
    run_holds.begin(newly_held, now)


def hold_due(by_keys: Iterable[tuple[HeldKey, Collection[UUID]]], now: datetime) -> None:
    """Hold runs that this transaction makes due, each under a key that already holds others."""
    newly_held: list[UUID] = []
    for held, run_ids in by_keys:
        newly_held += changes.update_runs_returning_ids(Run.update(_held(held, now)).where(Run.id.in_(list(run_ids))))
    run_holds.begin(newly_held, now)


def move(run_ids: Collection[UUID], held: HeldKey, now: datetime) -> None:
    """Hold these runs of locked jobs by another locked key."""
    held_runs = Run.id.in_(list(run_ids)) & (Run.status == RunStatus.QUEUED) & Run.held_by.in_(KEYED_HOLDS)
    moved = {"held_by": held.held_by, "held_key": held.key, "held_until": held.until}
    passed_on = changes.update_runs_returning_ids(Run.update(moved).where(held_runs))
    run_holds.change(passed_on, now)
    put(held)


def put(held: HeldKey) -> None:
    """Record that a key holds runs, why, and when to recheck it."""
    again = {HeldKey.until: held.until, HeldKey.held_by: held.held_by}
    HeldKey.insert(held.__data__).on_conflict(conflict_target=[HeldKey.key], update=again).execute()


def of_keys(keys: Collection[str]) -> dict[str, HeldKey]:
    """Returns those of these keys that hold runs."""
    return {row.key: row for row in HeldKey.select().where(HeldKey.key.in_(list(keys)))}


def due_for_recheck(now: datetime, limit: int) -> list[str]:
    """Returns the keys under which there may be room now, longest ago first."""
    query = HeldKey.select(HeldKey.key).where(HeldKey.until <= now).order_by(HeldKey.until)
    return [row.key for row in query.limit(limit)]


def unrecorded() -> list[str]:
    """Returns the keys that hold runs without being recorded as holding any."""
    return [key for (key,) in db.execute_sql(_KEYS_OF_RUNS).fetchall()]


def recheck_at(key: str, until: datetime) -> None:
    """Record when to recheck a key, if it holds runs."""
    HeldKey.update(until=until).where(HeldKey.key == key).execute()


def some_accounts(now: datetime, after: datetime, limit: int) -> list[str]:
    """Returns a number of keys of accounts without a limit of their own that are rechecked after an instant only.

    They are chosen at random.
    """
    has_own = limits.is_limited(HeldKey.key, now)
    query = HeldKey.select(HeldKey.key).where(_is_of_account(), HeldKey.until > after, ~has_own)
    return [row.key for row in query.order_by(peewee.fn.RANDOM()).limit(limit)]


def recheck_sooner(keys: Collection[str], until: datetime) -> None:
    """Record an earlier instant to recheck these keys; leave out those that another process has locked."""
    free = for_update(HeldKey.select(HeldKey.key).where(HeldKey.key.in_(list(keys))), skip_locked=True)
    HeldKey.update(until=until).where(HeldKey.key.in_(free), HeldKey.until > until).execute()


def recheck_by(now: datetime, beyond: datetime) -> int:
    """Recheck now the keys that are rechecked further beyond an instant than the span of their own rate in force.

    Accounts without a rate of their own are left out. Returns how many keys were set.
    """
    span: Any = Limit.select(Limit.per_seconds).where(_is_own_rate(now))
    late = HeldKey.until > _later(beyond, peewee.fn.COALESCE(span, 0))
    return _recheck_all(now, ~_is_of_default_rate(now) & late)


def recheck_accounts_by(now: datetime, beyond: datetime) -> int:
    """Recheck now the accounts without a rate of their own in force that are rechecked beyond an instant only.

    Returns how many.
    """
    return _recheck_all(now, _is_of_default_rate(now) & (HeldKey.until > beyond))


def _recheck_all(now: datetime, condition: Any) -> int:
    free = for_update(HeldKey.select(HeldKey.key).where(condition), skip_locked=True)
    return int(HeldKey.update(until=now).where(HeldKey.key.in_(free)).execute())


def _is_of_default_rate(now: datetime) -> Any:
    return _is_of_account() & ~peewee.fn.EXISTS(Limit.select(peewee.SQL("1")).where(_is_own_rate(now)))


def _is_own_rate(now: datetime) -> Any:
    in_force = Limit.expires_at.is_null() | (Limit.expires_at > now)
    return (Limit.key == HeldKey.key) & Limit.per_seconds.is_null(False) & in_force


def _is_of_account() -> Any:
    return peewee.fn.SUBSTR(HeldKey.key, 1, len(ACCOUNT)) == ACCOUNT


def _later(instant: datetime, seconds: Any) -> Any:
    """Returns the expression for an instant that lies so many seconds after another, or up to a millisecond more."""
    if is_sqlite():
        formatted = peewee.SQL("STRFTIME('%Y-%m-%dT%H:%M:%f', ?, ", [sqlite_text(instant)])
        return peewee.NodeList((formatted, seconds, peewee.SQL("|| ' seconds') || '999Z'")))
    return peewee.NodeList((peewee.SQL("(%s + INTERVAL '1 second' *", [instant]), seconds, peewee.SQL(")")))


def hold_no_more(key: str, now: datetime) -> None:
    """Forget a key that no longer holds runs, unless a claim has just held another."""
    HeldKey.delete().where(HeldKey.key == key, HeldKey.until <= now).execute()


def given(key: str) -> int:
    """Returns how many runs were released under a key and have not begun."""
    query = Run.select(Run.id).where(_LIMITED, Run.held_key == key, Run.held_by.is_null())
    return int(query.count())


def waiting(key: str, most: int) -> int:
    """Returns how many runs a key holds; counts no further than `most`."""
    query = Run.select(Run.id).where(_LIMITED, Run.held_key == key, Run.held_by.in_(KEYED_HOLDS))
    return int(query.limit(most).count())


def waiting_by_key(keys: Collection[str], most: int) -> dict[str, int]:
    """Returns how many runs each of these keys holds; counts no further than `most` for each."""
    found: dict[str, int] = {}
    for chunk in set_based.chunks(keys):
        text = " UNION ALL ".join([_WAITING.replace("?", db.param)] * len(chunk))
        values = [value for key in chunk for value in (key, key, most)]
        found.update(db.execute_sql(text, values).fetchall())
    return found


def first_held(key: str, limit: int, *, needs_job: bool, without: Collection[UUID] = frozenset()) -> list[Candidate]:
    """Returns the most urgent runs that a key holds, with the data that their limit keys are made of.

    Runs of the jobs in `without` are left out.
    """
    condition = _LIMITED & (Run.held_key == key) & Run.held_by.in_(KEYED_HOLDS)
    condition = condition & Run.job.not_in(list(without)) if without else condition
    query = limits.of_candidates(condition, needs_job=needs_job).order_by(*MOST_URGENT_FIRST).limit(limit)
    return limits.candidates(query)


def release(run_ids: Collection[UUID], held_by: Hold | None, now: datetime) -> list[Run]:
    """Release these runs of locked jobs; a pause may still hold them. Returns those runs."""
    if not run_ids:
        return []
    waits = (Run.status == RunStatus.QUEUED) & Run.held_by.in_(KEYED_HOLDS)
    locked: Any = for_update(Run.select(Run.id).where(Run.id.in_(list(run_ids)), waits).order_by(Run.id)).cte("locked")
    query = Run.update(held_by=held_by, was_held=True).with_cte(locked)
    released = list(query.where(Run.id.in_(peewee.Select((locked,), (locked.c.id,)))).returning(Run).execute())
    run_holds.release([run.id for run in released], held_by, now)
    changes.note(runs=(run.id for run in released))
    return released


def _held(held: HeldKey, now: datetime) -> Mapping[str, Any]:
    of_key = {"held_by": held.held_by, "held_key": held.key, "held_until": held.until}
    if held.held_by is not Hold.RATE_LIMIT:
        return of_key
    return {**of_key, "rate_limited_at": now, "rate_wait_seconds": max(0.0, (held.until - now).total_seconds())}
