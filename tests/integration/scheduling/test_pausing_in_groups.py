"""What a pause of many is about is held, and released, in groups: after the change itself is in force."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable
from core.principals import LOCAL
from core.states import Hold
from models import database, set_based
from models import pauses as queries
from models.pauses import Gate
from models.tables import db
from services.jobs import requested_runs
from services.messaging.unit_of_work import UnitOfWork
from services.requests import idempotency
from services.scheduling import pauses
from services.system import System
from tests.factories import (
    GivenSystem,
    claim,
    first_run,
    stored_run,
)
from tests.integration.scheduling.switching import PAUSES


def test_of_many_jobs_the_runs_are_held_and_released_part_by_part(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in one statement, a backlog of some 100,000 could not be paused: it takes longer than a statement may."""
    monkeypatch.setattr(set_based, "_CHUNK", 2)
    due = [first_run(system).id for _ in range(5)]
    job_id = stored_run(due[0]).job_id
    due += [requested_runs.trigger(LOCAL, system, job_id).id for _ in range(3)]
    system.doorbell.heard()
    pauses.pause_everything(LOCAL, system)
    assert {stored_run(run_id).held_by for run_id in due} == {Hold.PAUSED}
    pauses.resume_everything(LOCAL, system)
    assert {ring.run_id for ring in system.doorbell.heard()} == set(due)
    assert {one.run_id for one in claim(system, 9)} == set(due)


@pytest.mark.parametrize("key", [None, "a-key"], ids=["without a key", "with one"])
@pytest.mark.parametrize(("change", "back"), [("pause", "resume"), ("resume", "pause")])
def test_what_is_due_is_held_or_released_in_groups_once_the_change_is_in_force_and_the_gate_is_open(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, key: str | None, change: str, back: str
) -> None:
    changes = {"pause": pauses.pause_app, "resume": pauses.resume_app}
    monkeypatch.setattr(set_based, "_CHUNK", 2)
    due = [first_run(system).id for _ in range(5)]
    changes[back](LOCAL, system, "app_a")
    begun: list[tuple[str | None, bool]] = []
    transaction = System.transaction

    @contextmanager
    def noted(self: System, gate: Gate = Gate.SHARED, **options: Any) -> Iterator[UnitOfWork]:
        begun.append((gate.name, db.in_transaction()))
        with transaction(self, gate, **options) as unit:
            yield unit

    monkeypatch.setattr(System, "transaction", noted)
    request = None if key is None else idempotency.Request("scope", key, "fingerprint")
    idempotency.once(system, request, lambda: changes[change](LOCAL, system, "app_a"))
    within = key is not None
    assert begun == [("UNUSED", False)] * within + [("CLOSED", within), *[("SHARED", False)] * 3, ("UNUSED", False)]
    assert {stored_run(run_id).held_by for run_id in due} == {Hold.PAUSED if change == "pause" else None}


def test_a_pause_that_ends_while_runs_are_being_held_holds_no_more(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_based, "_CHUNK", 2)
    due = [first_run(system).id for _ in range(4)]
    hold_runs = queries.hold_runs

    def hold_then_resume(run_ids: Collection[UUID], now: datetime, *, skip_locked: bool) -> int:
        monkeypatch.setattr(queries, "hold_runs", hold_runs)
        database.after_commit(lambda: pauses.resume_app(LOCAL, system, "app_a"))
        return hold_runs(run_ids, now, skip_locked=skip_locked)

    monkeypatch.setattr(queries, "hold_runs", hold_then_resume)
    pauses.pause_app(LOCAL, system, "app_a")
    assert {one.run_id for one in claim(system)} == set(due)


@pytest.mark.parametrize(("change", "back"), [("pause", "resume"), ("resume", "pause")])
@pytest.mark.parametrize("of", ["app", "everything"])
def test_what_a_process_that_died_did_not_come_to_is_held_or_released_after_a_minute(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, of: str, change: str, back: str
) -> None:
    changes = dict(zip(("pause", "resume"), PAUSES[of], strict=True))
    run = first_run(system)
    changes[back](system, run.job_id)
    with monkeypatch.context() as patch:
        patch.setattr(pauses, "_settle", lambda *_: None)
        changes[change](system, run.job_id)
    assert pauses.settle_left_behind(system) == 0
    system.clock.advance(60)
    assert [pauses.settle_left_behind(system) for _ in range(2)] == [1, 0]
    assert stored_run(run.id).held_by == (Hold.PAUSED if change == "pause" else None)


@pytest.mark.parametrize(("change", "back"), [("pause", "resume"), ("resume", "pause")])
def test_a_group_that_the_database_refuses_is_left_to_the_coordinator_since_the_change_is_in_force(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, change: str, back: str
) -> None:
    changes = dict(zip(("pause", "resume"), PAUSES["app"], strict=True))
    run = first_run(system)
    changes[back](system, run.job_id)

    def refuse(*_: object, **__: object) -> int:
        raise DatabaseUnavailable("It was too slow.")

    with monkeypatch.context() as patch:
        patch.setattr(pauses, "_settle_group", refuse)
        changes[change](system, run.job_id)
    assert pauses.settle_left_behind(system) == 1
    assert stored_run(run.id).held_by == (Hold.PAUSED if change == "pause" else None)
