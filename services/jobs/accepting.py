"""Accept new jobs: build the rows of each, or refuse it, and insert many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core import fairness, schedules
from core.errors import Forbidden, InvalidInput, NotFound
from core.principals import SYSTEM, Principal
from core.schedules import Nature
from core.states import Hold, JobState, RunStatus
from models.fields import new_id
from models.hot import creates
from models.hot.rows import KnownApp, NewRows, PlannedJob
from models.runs import NewRun
from services.apps import apps
from services.apps.quotas import Ledger
from services.email import templates
from services.jobs import definition, ownership
from services.jobs.creation_outcomes import CreationOutcome, Refusal
from services.jobs.definition import NewJob
from services.messaging.unit_of_work import UnitOfWork
from services.scheduling import limit_holds, pauses, planning
from services.system import System
from services.task_types import filling, registry

MAX_RUNS = 20_000
MAX_VALUES = 20_000  # to be filled into the texts of jobs that are created together


@dataclass(frozen=True)
class Accepted:
    """The rows of a new job."""

    id: UUID
    app: KnownApp
    name: str | None
    columns: dict[str, Any]
    tags: tuple[str, ...]
    runs: list[NewRun]
    creator: Principal


def validated(principal: Principal, system: System, wanted: NewJob | Refusal) -> NewJob | Refusal:
    """Returns a new job as `ownership.permitted` does, or the refusal of its data by its task type.

    Checks permission first, so that an unauthorised request costs little. Checking the data may be slow: call this
    before the transaction. Raises `Forbidden` as `ownership.permitted` does.
    """
    return _validated(system, ownership.permitted(principal, wanted))


def all_validated(principal: Principal, system: System, wanted: Iterable[NewJob | Refusal]) -> list[NewJob | Refusal]:
    """Returns each of these jobs as `validated` does; refusals stay as they are.

    Raises as `validated` does, and `InvalidInput` where their texts have so many values to fill in that all would take
    long.
    """
    permitted = [ownership.permitted(principal, new) for new in wanted]
    given = (new.data for new in permitted if isinstance(new, NewJob) and registry.has_templates(new.task_type))
    if fault := filling.fault_of_count(filling.values_in(*given), MAX_VALUES):
        raise InvalidInput.at("jobs", fault)
    with templates.each_once():
        return [_validated(system, new) for new in permitted]


def _validated(system: System, permitted: NewJob | Refusal) -> NewJob | Refusal:
    if not isinstance(permitted, NewJob):
        return permitted
    try:
        registry.expect_valid(system.settings, permitted.task_type, permitted.data)
    except (InvalidInput, Forbidden) as refusal:
        return refusal
    return permitted


def insert(
    system: System, wanted: Sequence[NewJob | Refusal], unit: UnitOfWork
) -> tuple[list[CreationOutcome], list[NewRun]]:
    """Insert those of these jobs that are valid. Returns the outcome of each, in order, and the runs inserted.

    Call it in a transaction that shares the gate of pauses.
    """
    now = unit.now
    known = _apps(system, {new.app_name for new in wanted if isinstance(new, NewJob)})
    ledger = Ledger(system, {app.id for app in known.values() if not app.is_new})
    accepted = [_accept(system, new, known, ledger, now) if isinstance(new, NewJob) else new for new in wanted]
    fit = [one for one in accepted if isinstance(one, Accepted)]
    _refuse_too_much(fit)
    _make_apps([one for one in fit if one.app.is_new], unit)
    rows = [row for one in fit for row in one.runs]
    tags = {one.id: tuple(dict.fromkeys(one.tags)) for one in fit if one.tags}
    stored = creates.insert(NewRows([one.columns for one in fit], tags, rows))
    kept = [row for row in rows if row["job"] in stored.jobs]
    if stored.keys_hold:
        _hold(fit, kept, now)
    return [_outcome(one, stored.jobs) for one in accepted], kept


def _hold(fit: Sequence[Accepted], rows: list[NewRun], now: datetime) -> None:
    """Hold those of these stored runs that are due and have a key which already holds others."""
    due = [row for row in rows if row["status"] == RunStatus.QUEUED and row["held_by"] is None]
    if not due:
        return
    names = {one.id: one.app.name for one in fit}
    keys = {
        row["id"]: limit_holds.keys_of(names[row["job"]], row["account_id"], row["job"], row["queue"]) for row in due
    }
    held = limit_holds.hold_these(keys, now)
    for row in due:
        row["held_by"] = held.get(row["id"])


def _refuse_too_much(fit: Sequence[Accepted]) -> None:
    """Keeps the transaction short: a job that recurs each second begins with more than a hundred runs."""
    count = sum(len(one.runs) for one in fit)
    if count > MAX_RUNS:
        raise InvalidInput.at(
            "jobs",
            f"have {count} runs to be planned at once, more than {MAX_RUNS}; send fewer jobs that recur so often.",
        )


def _apps(system: System, names: Iterable[str]) -> dict[str, KnownApp]:
    """Returns the apps with these names; in anonymous mode, also those that are still to be created."""
    wanted = set(names)
    found = creates.apps_by_names(wanted)
    if system.settings.anonymous:
        found |= {name: KnownApp(new_id(), name, None, is_new=True) for name in wanted - found.keys()}
    return found


def _make_apps(fit: Sequence[Accepted], unit: UnitOfWork) -> None:
    """Create the missing apps of accepted jobs, sorted by name to avoid deadlocks; refused jobs create none."""
    creators = {one.app.name: one.creator for one in reversed(fit)}
    made = {name: apps.get_or_create(creators[name], unit, name) for name in sorted(creators)}
    for one in fit:
        one.columns["app_id"] = made[one.app.name].id


def _accept(
    system: System, new: NewJob, known: dict[str, KnownApp], ledger: Ledger, now: datetime
) -> Accepted | Refusal:
    app = known.get(new.app_name)
    if app is None or new.app_id not in (None, app.id):
        return NotFound("app", new.app_name)
    try:
        definition.expect_possible(system, new, app, now, bound_to=new.bound_to)
        ledger.check(app.id, new, now)
        accepted = _rows(system, new, app, now)
        ledger.take(app.id, sum(row["status"] == RunStatus.QUEUED for row in accepted.runs))
    except InvalidInput as refusal:
        return refusal
    return accepted


def _rows(system: System, new: NewJob, app: KnownApp, now: datetime) -> Accepted:
    schedule = new.schedule.accepted(now)
    if schedule is not new.schedule:
        new = replace(new, schedule=schedule)
    columns = {
        **definition.columns(new),
        "id": new_id(),
        "app_id": app.id,
        "owner_id": new.owner_id,
        "state": JobState.PAUSED if new.paused else JobState.ACTIVE,
        "polling_state": {} if isinstance(new.schedule, schedules.Polling) else None,
        "created_at": now,
        "updated_at": now,
        "created_by": new.created_by,
        "trace": None if new.trace is None else new.trace.text,
    }
    horizon = now + timedelta(seconds=system.settings.plan_ahead_seconds)
    first = planning.plan_first(_plannable(columns), new.schedule, now, horizon)
    if schedules.recurs(new.schedule) and first.next_run_at is None and not first.rows:
        raise InvalidInput.at("schedule", "names no instant in the future; give one that does.")
    columns["next_run_at"] = first.next_run_at
    party = fairness.party(app.name, new.account_id)
    hold = Hold.PAUSED if new.paused else app.hold
    trace = columns["trace"] if new.schedule.nature is Nature.ONE_SHOT else None
    runs = [pauses.held_if_due(row, hold) | {"party": party, "trace": trace} for row in first.rows]
    return Accepted(columns["id"], app, new.name, columns, new.tags, runs, new.creator or SYSTEM)


def _plannable(columns: dict[str, Any]) -> PlannedJob:
    return PlannedJob(**{one.name: columns[one.name] for one in fields(PlannedJob)})


def _outcome(one: Accepted | Refusal, stored: set[UUID]) -> CreationOutcome:
    if not isinstance(one, Accepted):
        return one
    return one.id if one.id in stored else definition.name_taken(one.name, one.app)
