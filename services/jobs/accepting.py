"""Accept new jobs: the rows that each becomes, or why it is refused; stored many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core import schedules
from core.errors import Forbidden, InvalidInput, NotFound
from core.states import JobState
from models import apps, jobs, runs, tags
from models.tables import App, Job
from services.jobs import definition
from services.jobs.creation_outcomes import Outcome, Refusal
from services.jobs.definition import NewJob
from services.scheduling import pauses, planning
from services.system import System
from services.task_types import registry

Rows = list[dict[str, Any]]

MOST_RUNS = 20_000


@dataclass(frozen=True)
class Accepted:
    """The rows that a new job becomes."""

    job: Job
    tags: tuple[str, ...]
    runs: Rows


def validated(system: System, new: NewJob) -> NewJob | Refusal:
    """A new job, or why its kind of task refuses its data: to be asked before the transaction, as it may take long."""
    try:
        registry.validate(system.settings, new.task_type, new.data)
    except (InvalidInput, Forbidden) as refusal:
        return refusal
    return new


def store(system: System, wanted: Sequence[NewJob | Refusal], now: datetime) -> tuple[list[Outcome], Rows]:
    """Store those of these jobs that are valid; returns the outcome of each, in order, and the runs stored.

    Within the caller's transaction, which shares the gate of pauses.
    """
    known = _apps(system, {new.app_name for new in wanted if isinstance(new, NewJob)}, now)
    accepted = [_accept(system, new, known, now) if isinstance(new, NewJob) else new for new in wanted]
    fit = [one for one in accepted if isinstance(one, Accepted)]
    _refuse_too_much(fit)
    stored = jobs.insert([one.job for one in fit])
    kept = [one for one in fit if one.job.id in stored]
    tags.insert({one.job.id: one.tags for one in kept})
    rows = pauses.held_if_paused([one.job for one in kept], [row for one in kept for row in one.runs])
    runs.insert(rows)
    return [_outcome(one, stored) for one in accepted], rows


def _refuse_too_much(fit: Sequence[Accepted]) -> None:
    """Keep the transaction short: a job that comes back each second has a hundred runs and more to begin with."""
    count = sum(len(one.runs) for one in fit)
    if count > MOST_RUNS:
        raise InvalidInput.at(
            "jobs",
            f"have {count} runs to be planned at once, more than {MOST_RUNS}; send fewer jobs that come so often.",
        )


def _apps(system: System, names: Iterable[str], now: datetime) -> dict[str, App]:
    """The apps of these names; in anonymous mode those that are not there are made, in one order for all."""
    found = apps.by_names(names)
    if system.settings.anonymous:
        found |= {name: apps.made_on_first_use(name, now) for name in sorted(set(names) - found.keys())}
    return found


def _accept(system: System, new: NewJob, known: dict[str, App], now: datetime) -> Accepted | Refusal:
    app = known.get(new.app_name)
    if app is None:
        return NotFound("app", new.app_name)
    try:
        definition.judge(system, new, app, now)
        return _rows(system, new, app, now)
    except InvalidInput as refusal:
        return refusal


def _rows(system: System, new: NewJob, app: App, now: datetime) -> Accepted:
    new = replace(new, schedule=schedules.as_accepted(new.schedule, now))
    job = Job(
        app=app,
        owner_id=new.owner_id,
        **definition.columns(new),
        state=JobState.PAUSED if new.paused else JobState.ACTIVE,
        polling_state={} if isinstance(new.schedule, schedules.Polling) else None,
        created_at=now,
        updated_at=now,
    )
    horizon = now + timedelta(seconds=system.settings.plan_ahead_seconds)
    first = planning.plan_first(job, new.schedule, now, horizon)
    if schedules.comes_back(new.schedule) and first.next_run_at is None and not first.rows:
        raise InvalidInput.at("schedule", "names no instant in the future; give one that does.")
    job.next_run_at = first.next_run_at
    return Accepted(job, new.tags, first.rows)


def _outcome(one: Accepted | Refusal, stored: set[UUID]) -> Outcome:
    if not isinstance(one, Accepted):
        return one
    if one.job.id in stored:
        return one.job.id
    return definition.name_taken(one.job.name, one.job.app)
