"""Queries on limits by key, on the calls that use them, and on the number of runs at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

import peewee

from core.limit_keys import LimitKind
from models import breakers, set_based
from models.database import for_update, is_sqlite
from models.hot.rows import Candidate
from models.tables import App, HeldKey, Job, Limit, Run, Use, db

# One number for all Carillon processes; SQLite has one writer anyway.
_CONCURRENCY = 0x4341524C

# As the index has it, to the letter.
_AT_WORK = peewee.SQL("status = 'running'")
# A weight limits nothing.
_LIMITING = Limit.concurrency.is_null(False) | Limit.calls.is_null(False)


def lock_concurrency() -> None:
    """Lock the installation's limit: no other transaction starts a run under it until this one ends."""
    if not is_sqlite():
        db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_CONCURRENCY,))


def lock(key: str) -> None:
    """Lock a key, limited or not, until the transaction ends: claims under it and changes of its limit wait."""
    if not is_sqlite():
        db.execute_sql("SELECT pg_advisory_xact_lock(HASHTEXTEXTENDED(%s, 0))", (key,))


def at_work(most: int) -> int:
    """Returns how many runs are running, including those that wait for a report; counts no further than `most`."""
    running = Run.select(Run.id).where(_AT_WORK).limit(most)
    return int(running.count())


def are_on() -> bool:
    """Whether any limit by key is stored, or any breaker open."""
    return bool(Limit.select(Limit.key).where(_LIMITING).limit(1).count()) or breakers.any_is_open()


def any_needs_job() -> bool:
    """Whether a run's job and data must be read to know its limits: those of hosts, destinations and keys of data."""
    of_jobs = Limit.select(Limit.key).where(Limit.kind.in_((LimitKind.HOST, LimitKind.KEY)))
    return bool(of_jobs.limit(1).count()) or breakers.any_is_open()


def by_key(key: str) -> Limit | None:
    """Returns the limit of a key."""
    return Limit.get_or_none(Limit.key == key)


def by_keys(keys: Collection[str]) -> dict[str, Limit]:
    """Returns the limits of those of these keys that have one."""
    return {row.key: row for row in Limit.select().where(Limit.key.in_(list(keys)))}


def is_limited(key: Any, now: datetime) -> Any:
    """Returns the condition under which a key has a limit in force."""
    in_force = Limit.expires_at.is_null() | (Limit.expires_at > now)
    return peewee.fn.EXISTS(Limit.select(peewee.SQL("1")).where(Limit.key == key, in_force, _LIMITING))


def count_of(app_id: UUID | None) -> int:
    """Returns how many limits an app has, or with None the installation."""
    of_app = Limit.app_id.is_null() if app_id is None else Limit.app_id == app_id
    return int(Limit.select(Limit.key).where(of_app).count())


def put(row: Mapping[str, Any]) -> None:
    """Store a limit, in place of the one that its key has."""
    changed = {name: value for name, value in row.items() if name not in ("key", "created_at")}
    Limit.insert(row).on_conflict(conflict_target=[Limit.key], update=changed).execute()


def delete(key: str) -> None:
    """Delete the limit of a key."""
    Limit.delete().where(Limit.key == key).execute()


def changed_since(instant: datetime, limit: int) -> list[str]:
    """Returns keys whose limits were put since an instant, up to a limit."""
    query = Limit.select(Limit.key).where(Limit.updated_at > instant, _LIMITING).order_by(Limit.updated_at)
    return [row.key for row in query.limit(limit)]


def keys_page(
    app_ids: Collection[UUID] | None, after: str, limit: int, only: Collection[str] | None = None
) -> list[str]:
    """Returns a page of keys that are limited or hold runs, after a given one.

    Only keys of these apps (None: of all) are returned; if keys are named, only these.
    """
    parts = []
    for table in (Limit, HeldKey):
        query: Any = table.select(table.key).where(table.key > after)
        query = query if only is None else query.where(table.key.in_(list(only)))
        parts.append(query if app_ids is None else query.where(table.app_id.in_(sorted(app_ids))))
    both: Any = parts[0] | parts[1]  # without doubles
    return [row.key for row in both.order_by(peewee.SQL("1")).limit(limit)]


def lock_running(limit: int, *, needs_job: bool) -> list[tuple[Candidate, int]]:
    """Lock running runs, up to a limit. Returns those that were not locked, each with its fence.

    A transaction that ends one of them waits, and so sees what is recorded about it meanwhile.
    """
    fences = {
        run.id: run.fence
        for run in for_update(Run.select(Run.id, Run.fence).where(_AT_WORK).limit(limit), skip_locked=True)
    }
    query = of_candidates(Run.id.in_(list(fences)), needs_job=needs_job)
    return [(one, fences[one.id]) for one in candidates(query)]


def of_candidates(condition: Any, *, needs_job: bool) -> Any:
    """Returns the query for the data that limit keys of matching runs are made of, as `hot.claims.candidates` does."""
    own = (Run.id, Run.job, Run.job_version, Run.queue, Job.app, App.name, Run.account_id, Run.priority, Run.party)
    marked = peewee.SQL("TRUE" if needs_job else "FALSE")
    return Run.select(*own, marked).join(Job).join(App).where(condition)


def candidates(query: Any) -> list[Candidate]:
    """Returns what a query of `of_candidates` finds."""
    return [Candidate(*row) for row in query.tuples()]


def adopt(uses: Iterable[tuple[str, UUID, int]]) -> None:
    """Count calls under way, each given by key, run and fence; a call that is already counted stays as it is."""
    for chunk in set_based.chunks(uses):
        rows = [{"key": key, "run_id": run_id, "fence": fence} for key, run_id, fence in chunk]
        Use.insert_many(rows).on_conflict_ignore().execute()


def end_stray_uses(now: datetime) -> int:
    """End the uses of runs that are not running, which nobody else ends. Returns how many."""
    at_work = Run.select(peewee.SQL("1")).where(Run.id == Use.run_id, _AT_WORK)
    return int(Use.update(ended_at=now).where(Use.ended_at.is_null(), ~peewee.fn.EXISTS(at_work)).execute())


def longest_span() -> int:
    """Returns the longest span in seconds that a stored rate has, 0 without one."""
    longest: int | None = Limit.select(peewee.fn.MAX(Limit.per_seconds)).scalar()
    return longest or 0


def prune_uses(ended_before: datetime, limit: int) -> int:
    """Delete uses that ended before an instant, at most so many. Returns how many."""
    place = _place()
    old = Use.select(place).where(Use.ended_at < ended_before).limit(limit)
    return int(Use.delete().where(place.in_(old)).execute())


def end_by(instant: datetime, beyond: datetime, limit: int) -> int:
    """End at an instant the uses that ended beyond another, at most so many. Returns how many."""
    place = _place()
    late = Use.select(place).where(Use.ended_at > beyond).limit(limit)
    return int(Use.update(ended_at=instant).where(place.in_(late)).execute())


def _place() -> Any:
    """Returns the physical position of a row: without an index, the cheapest way to find it again."""
    return peewee.SQL("rowid" if is_sqlite() else "ctid")


def prune_expired(before: datetime) -> int:
    """Delete limits that expired before an instant. Returns how many."""
    return int(Limit.delete().where(Limit.expires_at < before).execute())


def used(key: str, since: datetime) -> tuple[int, int, datetime | None]:
    """Returns a key's number of calls under way, how many ended since an instant, and when the first of these ended."""
    running = Use.select(Use.key).where(Use.key == key, Use.ended_at.is_null()).count()
    ended = Use.select(peewee.fn.COUNT(Use.ended_at), peewee.fn.MIN(Use.ended_at))
    [found] = ended.where(Use.key == key, Use.ended_at > since).tuples()
    return running, *cast("tuple[int, datetime | None]", found)


def used_by_key(keys: Collection[str], since: datetime) -> dict[str, int]:
    """Returns for each of these keys that is used how many calls are under way or ended since an instant."""
    found: Counter[str] = Counter()
    for counts in (Use.ended_at.is_null(), Use.ended_at > since):  # each a range of the index
        query: Any = Use.select(Use.key, peewee.fn.COUNT(Use.key)).where(Use.key.in_(list(keys)), counts)
        found.update(dict(query.group_by(Use.key).tuples()))
    return found


def jobs_of_runs(run_ids: Collection[UUID], account_id: str | None = None) -> dict[UUID, Job]:
    """Returns the jobs of these runs, by run; if an account is named, of those that were made for it."""
    query: Any = Run.select(Run.id, Job.id, Job.app, Job.owner_id, Job.account_id).join(Job)
    query = query if account_id is None else query.where(Run.account_id == account_id)
    return {run.id: run.job for run in query.where(Run.id.in_(list(run_ids)))}


def holders(key: str, limit: int) -> list[UUID]:
    """Returns runs whose calls are under way under a key, at most so many."""
    query = Use.select(Use.run_id).where(Use.key == key, Use.ended_at.is_null()).limit(limit)
    return [row.run_id for row in query]


class RunningUse(NamedTuple):
    """A call under way under a key: its run, and what decides when it ends at the latest."""

    run_id: UUID
    job_id: UUID
    job_version: int
    claimed_at: datetime | None
    lease_expires_at: datetime | None
    reports_until: datetime | None
    newest_version: int
    task_type: str
    time_limit_seconds: float | None


def running_uses(key: str, limit: int) -> list[RunningUse]:
    """Returns calls under way under a key, at most so many."""
    of_run = (Run.id, Run.job, Run.job_version, Run.claimed_at, Run.lease_expires_at, Run.reports_until)
    query: Any = Run.select(*of_run, Job.version, Job.task_type, Job.time_limit_seconds).join(Job)
    return [RunningUse(*row) for row in query.where(Run.id.in_(holders(key, limit))).tuples()]


def ended_uses(key: str, since: datetime, limit: int) -> list[tuple[UUID, datetime]]:
    """Returns the runs whose calls under a key ended since an instant, and when, the first to end first."""
    query: Any = Use.select(Use.run_id, Use.ended_at).where(Use.key == key, Use.ended_at > since)
    return list(query.order_by(Use.ended_at).limit(limit).tuples())


def data_of(run_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Returns the data of those of these runs that have data of their own."""
    query = Run.select(Run.id, Run.data).where(Run.id.in_(list(run_ids)), Run.data.is_null(False))
    return {run.id: run.data for run in query}
