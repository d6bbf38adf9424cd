"""Queries on what limits count: runs that run at once, and the permits of accounts that are called at a rate."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.states import Hold, RunStatus
from models import changes
from models.claims import CLAIMABLE, MOST_URGENT_FIRST
from models.database import for_update, is_sqlite
from models.tables import RateLimitedAccount, Run, db

# One number for all Carillon processes, and a family of them for accounts; SQLite has one writer anyway.
_CONCURRENCY = 0x4341524C
_LOCK_ACCOUNTS = """
    SELECT pg_advisory_xact_lock(key) FROM (
        SELECT DISTINCT hashtextextended(account, 0) AS key FROM unnest(%s) AS account ORDER BY key
    ) AS keys
"""

# As the indexes have it, to the letter.
_AT_WORK = peewee.SQL("status = 'running'")
_LIMITED = peewee.SQL("status = 'queued' AND held_until IS NOT NULL")


def lock_concurrency() -> None:
    """Lock the installation's limit: nobody else starts a run under it until the transaction ends."""
    if not is_sqlite():
        db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_CONCURRENCY,))


def lock_accounts(account_ids: Collection[str]) -> None:
    """Lock these accounts: nobody else takes or gives their permits until the transaction ends."""
    if account_ids and not is_sqlite():
        db.execute_sql(_LOCK_ACCOUNTS, (sorted(account_ids),))


def at_work(most: int) -> int:
    """Returns how many runs are running, including those that wait for a report; counts no further than `most`."""
    running = Run.select(Run.id).where(_AT_WORK).limit(most)
    return int(running.count())


def front_of(queue: str, account_ids: Collection[str], limit: int) -> list[tuple[UUID, str]]:
    """Returns which of a queue's most urgent runs belong to these accounts; at most so many runs are looked at."""
    front = Run.select(Run.id, Run.account_id).where(Run.queue == queue, CLAIMABLE)
    looked_at = front.order_by(*MOST_URGENT_FIRST).limit(limit)
    return [(run.id, run.account_id) for run in looked_at if run.account_id in account_ids]


def hold(run_ids: Collection[UUID], account_id: str, until: datetime, now: datetime) -> None:
    """Hold these runs of a locked account until there is a permit; leave out those that another process has locked."""
    still_claimable = for_update(Run.select(Run.id).where(Run.id.in_(list(run_ids)), CLAIMABLE), skip_locked=True)
    held = Run.update(
        held_by=Hold.RATE_LIMIT,
        held_until=until,
        rate_limited_at=now,
        rate_wait_seconds=(until - now).total_seconds(),
    )
    changes.update_runs(held.where(Run.id.in_(still_claimable)))
    RateLimitedAccount.insert(account_id=account_id, until=until).on_conflict(
        conflict_target=[RateLimitedAccount.account_id], update={RateLimitedAccount.until: until}
    ).execute()


def may_go_on(now: datetime, limit: int) -> list[str]:
    """Returns the accounts with waiting runs for which a permit may be free now, longest ago first."""
    query = RateLimitedAccount.select().where(RateLimitedAccount.until <= now).order_by(RateLimitedAccount.until)
    return [one.account_id for one in query.limit(limit)]


def wait_until(account_id: str, until: datetime) -> None:
    """Record when this locked account may have a free permit again."""
    RateLimitedAccount.update(until=until).where(RateLimitedAccount.account_id == account_id).execute()


def wait_no_more(account_id: str) -> None:
    """Forget this locked account, none of whose runs waits for a permit any more."""
    RateLimitedAccount.delete().where(RateLimitedAccount.account_id == account_id).execute()


def given(account_id: str) -> int:
    """Returns how many runs of an account were given a permit and have not begun."""
    query = Run.select(Run.id).where(_LIMITED, Run.account_id == account_id, Run.held_by.is_null())
    return int(query.count())


def first_held(account_id: str, limit: int) -> list[Run]:
    """Returns the most urgent runs of an account that wait for a permit."""
    query = Run.select(Run.id, Run.job).where(_LIMITED, Run.account_id == account_id, Run.held_by == Hold.RATE_LIMIT)
    return list(query.order_by(*MOST_URGENT_FIRST).limit(limit))


def give(run_ids: Collection[UUID], held_by: Hold | None) -> list[Run]:
    """Give these runs of locked jobs their permits; a pause may still hold them. Returns those runs."""
    if not run_ids:
        return []
    waits = (Run.status == RunStatus.QUEUED) & (Run.held_by == Hold.RATE_LIMIT)
    locked: Any = for_update(Run.select(Run.id).where(Run.id.in_(list(run_ids)), waits).order_by(Run.id)).cte("locked")
    query = Run.update(held_by=held_by, was_held=True).with_cte(locked)
    released = list(query.where(Run.id.in_(peewee.Select((locked,), (locked.c.id,)))).returning(Run).execute())
    changes.note(runs=(run.id for run in released))
    return released
