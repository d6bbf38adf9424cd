"""Delayed rings: for runs to come, the next poll, and retries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest

from actors import execution
from actors.middleware import AttemptFailed, RowDecidedRetries
from core.errors import DatabaseUnavailable
from core.schedules import DelayFromNow, Polling
from core.states import RunStatus
from models.tables import Run
from services.execution import claiming
from services.execution.work import Work
from services.messaging.broker import InProcessBroker
from services.messaging.doorbell import Ring
from tests.factories import NOON, GivenSystem, first_run, given_system, runs_of, stored_job, stored_run
from tests.integration.messaging.house import QUEUE, House, Make, ScriptedReceiver, dispatch, executed

WINDOW = timedelta(seconds=30)
NOBODY_LISTENS = "http://127.0.0.1:9/"


def test_a_delayed_ring_that_is_lost_is_made_good_by_the_dispatcher(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1.5))
    assert len(system.doorbell.heard()) == 1, "and it is lost"
    system.clock.advance(1.5)
    dispatch(system)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_delayed_ring_makes_its_run_due_while_no_coordinator_is_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1.5))
    system.clock.advance(1.5)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_polls_go_on_to_their_end_while_no_coordinator_is_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(Polling(20))
    for _ in range(3):
        house.answer(*system.doorbell.heard())
        system.clock.advance(20)
    assert stored_job(run.job_id).state == "completed"
    assert [receiver.calls_for(poll.id) for poll in runs_of(run.job_id)] == [1, 1, 1]


@pytest.mark.parametrize(("interval", "rung"), [(1, True), (30, True), (30.001, False), (3600, False)])
def test_the_next_poll_is_rung_for_within_the_window_and_not_beyond_it(
    system: GivenSystem, house: House, run_to_execute: Make, interval: float, rung: bool
) -> None:
    run = run_to_execute(Polling(interval))
    house.answer(*system.doorbell.heard())
    following = runs_of(run.job_id)[1]
    due_at = NOON + timedelta(seconds=interval)
    assert following.due_at == due_at
    assert system.doorbell.heard() == ([Ring(following.id, QUEUE, due_at)] if rung else [])
    system.clock.advance(interval)
    dispatch(system)
    assert following.id in {ring.run_id for ring in system.doorbell.heard()}


def test_a_retry_is_rung_for_within_the_window(system: GivenSystem, house: House) -> None:
    run = first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=5)
    house.answer(*system.doorbell.heard())
    stored = stored_run(run.id)
    assert stored.status is RunStatus.RETRYING
    assert system.doorbell.heard() == [Ring(run.id, QUEUE, stored.due_at)]


def test_a_retry_beyond_the_window_is_the_dispatchers(system: GivenSystem, house: House) -> None:
    run = first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=31)
    house.answer(*system.doorbell.heard())
    assert system.doorbell.heard() == []
    system.clock.advance(40)
    dispatch(system)
    assert system.doorbell.heard() == [Ring(run.id, QUEUE)]


def test_one_message_executes_a_queue_of_runs_that_fail_and_rings_for_each_retry(
    system: GivenSystem, house: House
) -> None:
    runs = [first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=5) for _ in range(3)]
    system.doorbell.heard()
    house.answer(Ring(runs[0].id, QUEUE))
    retries = {(ring.run_id, ring.due_at) for ring in system.doorbell.heard()}
    assert retries == {(run.id, stored_run(run.id).due_at) for run in runs}
    assert {stored_run(run.id).status for run in runs} == {RunStatus.RETRYING}


def test_a_queue_is_not_left_when_an_attempt_fails_and_the_next_claim_finds_the_database_away(
    system: GivenSystem, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=3600) for _ in range(2)]
    away = iter([None, DatabaseUnavailable("away")])  # the first claim is made, the second not
    claim = claiming.claim

    def claim_unless_away(*given: Any, **more: Any) -> list[Work]:
        if fault := next(away, None):
            raise fault
        return claim(*given, **more)

    monkeypatch.setattr(claiming, "claim", claim_unless_away)
    monkeypatch.setattr(claiming, "claim_within", Mock(side_effect=DatabaseUnavailable("away")))
    system.doorbell.heard()
    house.answer(Ring(runs[0].id, QUEUE))
    assert {stored_run(run.id).status for run in runs} == {RunStatus.RETRYING}


def test_one_ring_is_enough_though_no_thread_has_time_to_claim_again(
    system: GivenSystem, house: House, run_to_execute: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_CLAIM_FOR_SECONDS", 0)
    runs = [run_to_execute() for _ in range(3)]
    assert statuses_after_one_ring(system, house, runs) == {RunStatus.COMPLETED}


def statuses_after_one_ring(system: GivenSystem, house: House, runs: list[Run]) -> set[RunStatus]:
    """How these runs end, each by the ring that the one before it left."""
    system.doorbell.heard()
    rings = [Ring(runs[0].id, QUEUE)]
    for _ in runs:
        house.answer(*rings)
        rings = [ring for ring in system.doorbell.heard() if ring.due_at is None]
    return {stored_run(run.id).status for run in runs}


def test_retries_go_on_to_their_end_while_no_coordinator_is_up(system: GivenSystem, house: House) -> None:
    run = first_run(system, callback_url=NOBODY_LISTENS, retry_backoff_base=1, max_retries=3)
    for number in range(1, 5):
        house.answer(*system.doorbell.heard())
        assert stored_run(run.id).attempt_count == number
        system.clock.advance(10)
    assert stored_run(run.id).status is RunStatus.FAILED
    assert [ring for ring in system.doorbell.heard() if ring.due_at is not None] == []


def after_message(system: GivenSystem, exception: BaseException | None) -> list[Ring]:
    """What is rung when a message has been processed so."""
    RowDecidedRetries(system).after_process_message(InProcessBroker(), None, exception=exception)
    return system.doorbell.heard()


@pytest.mark.parametrize(
    ("retry_at", "rung"),
    [(None, False), (NOON, True), (NOON + WINDOW, True), (NOON + WINDOW + timedelta(microseconds=1), False)],
)
def test_the_middleware_rings_for_what_the_row_decided(retry_at: datetime | None, rung: bool) -> None:
    run_id = UUID(int=1)
    expected = [Ring(run_id, QUEUE, retry_at)] if rung else []
    assert after_message(given_system(), AttemptFailed(run_id, QUEUE, retry_at)) == expected


@pytest.mark.parametrize("exception", [None, ValueError("a fault"), DatabaseUnavailable("away")])
def test_the_middleware_rings_for_nothing_else(exception: BaseException | None) -> None:
    assert after_message(given_system(), exception) == []
