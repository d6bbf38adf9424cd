"""Queries for figures: how many jobs are in each state, and what happened in a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import peewee

from core.filters import JobFilter
from core.states import Hold, JobState, RunStatus
from models import filtering
from models.database import is_sqlite
from models.tables import App, Job, Minute, MinuteHold, Run

# Conditions of partial indexes, to the letter: `runs_leased`, `runs_to_make_due`.
_RUNNING = peewee.SQL("status = 'running'")
_WAITING_FOR_INSTANT = peewee.SQL("status IN ('pending', 'retrying')")
_BEGUN_OR_DUE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
_NEVER_FIRED = (RunStatus.SKIPPED, RunStatus.MISSED)


class Column(NamedTuple):
    """The figures of a column of a chart: sums over its minutes, and the most that one of them had.

    `known` is how many of its minutes have been summed up.
    """

    number: int
    known: int
    completed: int
    failed: int
    waiting: int
    lateness_p50_seconds: float | None
    lateness_p95_seconds: float | None


def job_states(wanted: JobFilter) -> list[tuple[JobState, int, int]]:
    """Returns for each stored state how many jobs that fit have it, and how many of them have a running run."""
    has_running = Job.id.in_(Run.select(Run.job).where(_RUNNING))
    running = peewee.fn.COUNT(peewee.Case(None, [(has_running, 1)]))
    query = Job.select(Job.state, peewee.fn.COUNT(Job.id), running).join(App)
    return list(filtering.jobs(query, wanted).group_by(Job.state).tuples())


def job_priorities(wanted: JobFilter) -> dict[int, int]:
    """Returns how many jobs that fit have each priority."""
    query = Job.select(Job.priority, peewee.fn.COUNT(Job.id)).join(App)
    return dict(filtering.jobs(query, wanted).group_by(Job.priority).tuples())


def newest_starts(wanted: JobFilter, limit: int) -> list[tuple[datetime, datetime]]:
    """Returns when the newest started runs of jobs that fit were due, and when they began."""
    query = Run.select(Run.due_at, Run.started_at).join(Job).join(App).where(Run.started_at.is_null(False))
    return list(filtering.jobs(query, wanted).order_by(Run.id.desc()).limit(limit).tuples())


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
    columns = (Run.due_at, Run.started_at, Run.failure_count + Run.loss_count)
    within = (Run.started_at >= start) & (Run.started_at < end)
    over = Run.select(*columns).where(Run.finished_at >= start, within)
    live = Run.select(*columns).where(filtering.LIVE, Run.status.in_(_BEGUN_OR_DUE), within)
    return [*over.tuples(), *live.tuples()]


def waiting_before(instant: datetime) -> dict[Hold | None, int]:
    """Returns how many runs were due before an instant and had not begun by then, by what holds them now.

    Those that never fired are left out.
    """
    due = (Run.due_at < instant) & (Run.started_at.is_null() | (Run.started_at >= instant))
    parts = (
        (filtering.LIVE, Run.status.in_((RunStatus.QUEUED, RunStatus.RUNNING))),
        (_WAITING_FOR_INSTANT,),
        (Run.finished_at >= instant, Run.status.not_in(_NEVER_FIRED)),
    )
    counts: Counter[Hold | None] = Counter()
    for part in parts:
        found: Any = Run.select(Run.held_by, peewee.fn.COUNT(Run.id)).where(due, *part).group_by(Run.held_by)
        counts.update(dict(found.tuples()))
    return counts


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
    """Returns what held the runs that waited as each minute from this one on ended; none where nothing was held."""
    found: dict[datetime, dict[Hold, int]] = {}
    for one in MinuteHold.select().where(MinuteHold.minute >= start):
        found.setdefault(one.minute, {})[one.held_by] = one.waiting
    return found


def columns(start: datetime, end: datetime, seconds: int) -> list[Column]:
    """Returns the columns of so many seconds of which minutes have been summed up, counted from `start`."""
    number = _number(Minute.minute, start, seconds)
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
    """Returns by column what held the runs that waited, for each reason in its worst minute."""
    number = _number(MinuteHold.minute, start, seconds)
    query: Any = MinuteHold.select(number.alias("number"), MinuteHold.held_by, peewee.fn.MAX(MinuteHold.waiting))
    query = query.where(MinuteHold.minute >= start, MinuteHold.minute < end).group_by(number, MinuteHold.held_by)
    found: dict[int, dict[Hold, int]] = {}
    for column, hold, waiting in query.tuples():
        found.setdefault(int(column), {})[hold] = waiting
    return found


def _number(minute: Any, start: datetime, seconds: int) -> Any:
    """Returns the number of the column that a minute lies in."""
    if is_sqlite():
        return (peewee.fn.STRFTIME("%s", minute).cast("INTEGER") - int(start.timestamp())) / seconds
    return peewee.fn.FLOOR((peewee.fn.DATE_PART("epoch", minute) - int(start.timestamp())) / seconds)


def prune_minutes(before: datetime, limit: int) -> int:
    """Delete the figures of minutes before an instant, oldest first; how many."""
    old = Minute.select(Minute.minute).where(Minute.minute < before).order_by(Minute.minute).limit(limit)
    MinuteHold.delete().where(MinuteHold.minute.in_(old)).execute()
    return int(Minute.delete().where(Minute.minute.in_(old)).execute())
