"""Queries for figures: how many jobs are in each state, and what happened in a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import peewee

from core.filters import JobFilter
from core.states import NEVER_FIRED, Hold, JobState, RunStatus
from models import filtering, periods
from models.tables import App, Job, Minute, MinuteHold, Run

# Exactly the condition of the partial index `runs_to_make_due`.
_WAITING_FOR_INSTANT = peewee.SQL("status IN ('pending', 'retrying')")
_MAX_READ_AT_ONCE = 1_000
_BEGUN_OR_DUE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
_START = (Run.due_at, Run.started_at, Run.failure_count + Run.loss_count)


class Column(NamedTuple):
    """The figures of a column of a chart: sums over its minutes, and maxima of single minutes.

    `known` is how many of its minutes have been summed up.
    """

    number: int
    known: int
    completed: int
    failed: int
    waiting: int
    lateness_p50_seconds: float | None
    lateness_p95_seconds: float | None


class StateCount(NamedTuple):
    """How many jobs have a stored state: those with a running run; else with a due run; and of these, with a retry."""

    state: JobState
    jobs: int
    running: int
    queued: int
    retrying: int


def job_states(wanted: JobFilter) -> list[StateCount]:
    """Returns how many matching jobs have each stored state, by their runs that are not over, as lists show them."""
    going = _going()
    running, retrying = going.c.running == 1, going.c.retrying == 1
    due = going.c.job_id.is_null(False) & (going.c.running == 0)
    counted = [peewee.fn.COUNT(peewee.Case(None, [(one, 1)])) for one in (running, due, due & retrying)]
    query: Any = Job.select(Job.state, peewee.fn.COUNT(Job.id), *counted).join(App)
    query = query.join_from(Job, going, peewee.JOIN.LEFT_OUTER, on=going.c.job_id == Job.id)
    return [StateCount(*row) for row in filtering.jobs(query, wanted).group_by(Job.state).tuples()]


def _going() -> Any:
    """The jobs with runs that have begun or are due, once each: to be joined, as an IN of many is slow."""
    running, retrying = (
        peewee.fn.MAX(peewee.Case(None, [(Run.status == status, 1)], 0))
        for status in (RunStatus.RUNNING, RunStatus.RETRYING)
    )
    columns = (Run.job.alias("job_id"), running.alias("running"), retrying.alias("retrying"))
    query = Run.select(*columns).where(filtering.LIVE, Run.status.in_(_BEGUN_OR_DUE)).group_by(Run.job)
    return query.alias("going")


def job_priorities(wanted: JobFilter) -> dict[int, int]:
    """Returns how many matching jobs have each priority."""
    query = Job.select(Job.priority, peewee.fn.COUNT(Job.id)).join(App)
    return dict(filtering.jobs(query, wanted).group_by(Job.priority).tuples())


def newest_starts(wanted: JobFilter, limit: int) -> list[tuple[datetime, datetime, int]]:
    """Returns when the newest started runs of matching jobs were due, when they began, and how often each failed.

    Failures include losses. With one, a run may be due again, after it began.
    """
    query: Any = Run.select(*_START).join(Job).join(App).where(Run.started_at.is_null(False))
    query = filtering.runs_of_jobs(query, wanted)
    return list(query.order_by(Run.id.desc()).limit(limit).tuples())


def ended_within(start: datetime, end: datetime) -> dict[RunStatus, int]:
    """Returns how many runs ended in this span, by status."""
    query: Any = (
        Run.select(Run.status, peewee.fn.COUNT(Run.id))
        .where(Run.finished_at >= start, Run.finished_at < end)
        .group_by(Run.status)
    )
    return dict(query.tuples())


def starts_within(start: datetime, end: datetime) -> list[tuple[datetime, datetime, int]]:
    """Returns when each run that began in this span was due, when it began, and how often it failed or was lost."""
    within = (Run.started_at >= start) & (Run.started_at < end)
    parts: tuple[Any, ...] = (Run.finished_at >= start, filtering.RUNNING, filtering.BEGUN_BEFORE)
    queries: list[Any] = [Run.select(*_START).where(part, within).tuples() for part in parts]
    return [row for query in queries for row in query]


def waiting_before(instant: datetime) -> dict[Hold | None, int]:
    """Returns how many runs were due before an instant and had not begun by then, by what holds them now.

    Those that never fired are left out.
    """
    due = Run.due_at < instant
    not_begun = due & (Run.started_at.is_null() | (Run.started_at >= instant))
    begun = (filtering.BEGUN_BEFORE, Run.status == RunStatus.QUEUED, due, Run.started_at < instant)
    parts = (
        (filtering.HELD, due),
        (filtering.RUNNING, not_begun),
        (Run.finished_at >= instant, Run.status.not_in(NEVER_FIRED), not_begun),
    )
    # An index alone says how many runs are claimable or held; those of them that had begun are counted apart.
    counts: Counter[Hold | None] = Counter({None: Run.select().where(filtering.CLAIMABLE, due).count()})
    for part in parts:
        counts.update(_by_hold(*part))
    counts.update(_not_made_due_yet(not_begun))
    counts.subtract(_by_hold(*begun))
    return +counts


def _not_made_due_yet(not_begun: Any) -> dict[Hold | None, int]:
    """Returns how many runs are still waiting for an instant that has passed, by what holds them: usually very few.

    So the first of them are read in the order of the index. PostgreSQL expects that nearly all planned runs fit, as
    most runs of the table were due before now, and would read the whole table to count them.
    """
    first: Any = Run.select(Run.held_by).where(_WAITING_FOR_INSTANT, not_begun).order_by(Run.due_at)
    found = [held_by for (held_by,) in first.limit(_MAX_READ_AT_ONCE).tuples()]
    return Counter(found) if len(found) < _MAX_READ_AT_ONCE else _by_hold(_WAITING_FOR_INSTANT, not_begun)


def _by_hold(*conditions: Any) -> dict[Hold | None, int]:
    """Returns how many runs fulfil the conditions, by what holds them."""
    found: Any = Run.select(Run.held_by, peewee.fn.COUNT(peewee.SQL("*"))).where(*conditions).group_by(Run.held_by)
    return dict(found.tuples())


def newest_minute() -> datetime | None:
    """Returns the newest minute that has been summed up."""
    newest: datetime | None = Minute.select(peewee.fn.MAX(Minute.minute)).scalar()
    return newest


def first_run_made_at() -> datetime | None:
    """Returns when the oldest run that is kept was made."""
    oldest: datetime | None = Run.select(Run.created_at).order_by(Run.id).limit(1).scalar()
    return oldest


def add_minute(figures: dict[str, Any], held: Mapping[Hold, int]) -> None:
    """Store a minute's figures, and what held the runs that waited; those that another process has stored stay."""
    Minute.insert(figures).on_conflict_ignore().execute()
    if held:
        rows = [{"minute": figures["minute"], "held_by": hold, "waiting": waiting} for hold, waiting in held.items()]
        MinuteHold.insert_many(rows).on_conflict_ignore().execute()


def minutes(start: datetime) -> list[Minute]:
    """Returns the minutes from this one on that have been summed up, in order."""
    return list(Minute.select().where(Minute.minute >= start).order_by(Minute.minute))


def minute_holds(start: datetime) -> dict[datetime, dict[Hold, int]]:
    """Returns what held runs at the end of each minute from this one on; minutes without held runs are left out."""
    found: dict[datetime, dict[Hold, int]] = {}
    for one in MinuteHold.select().where(MinuteHold.minute >= start):
        found.setdefault(one.minute, {})[one.held_by] = one.waiting
    return found


def columns(start: datetime, end: datetime, seconds: int) -> list[Column]:
    """Returns the columns, each of a number of seconds from `start` on, for which minutes have been summed up."""
    number = periods.number(Minute.minute, seconds, start)
    figures: Any = Minute.select(
        number.alias("number"),
        peewee.fn.COUNT(Minute.minute),
        peewee.fn.SUM(Minute.completed),
        peewee.fn.SUM(Minute.failed),
        peewee.fn.MAX(Minute.waiting),
        peewee.fn.MAX(Minute.lateness_p50_seconds),
        peewee.fn.MAX(Minute.lateness_p95_seconds),
    )
    query = figures.where(Minute.minute >= start, Minute.minute < end).group_by(number)
    return [Column(*map(int, row[:5]), *row[5:]) for row in query.tuples()]


def holds_of_columns(start: datetime, end: datetime, seconds: int) -> dict[int, dict[Hold, int]]:
    """Returns, by column, how many runs each reason held, in its worst minute."""
    number = periods.number(MinuteHold.minute, seconds, start)
    query: Any = MinuteHold.select(number.alias("number"), MinuteHold.held_by, peewee.fn.MAX(MinuteHold.waiting))
    query = query.where(MinuteHold.minute >= start, MinuteHold.minute < end).group_by(number, MinuteHold.held_by)
    found: dict[int, dict[Hold, int]] = {}
    for column, hold, waiting in query.tuples():
        found.setdefault(int(column), {})[hold] = waiting
    return found


def prune_minutes(before: datetime, limit: int) -> int:
    """Delete the figures of minutes before an instant, oldest first. Returns how many."""
    old = Minute.select(Minute.minute).where(Minute.minute < before).order_by(Minute.minute).limit(limit)
    MinuteHold.delete().where(MinuteHold.minute.in_(old)).execute()
    return int(Minute.delete().where(Minute.minute.in_(old)).execute())
