"""Rings taken while the database is away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from actors.main import RunWorker
from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable
from core.schedules import DelayFromNow
from core.states import RunStatus
from models.tables import Worker
from services.execution import claiming, recording, workers
from services.messaging.broker import InProcessBroker
from services.messaging.doorbell import Ring
from services.runtime import database_retry, database_troubles
from services.scheduling import dispatching
from tests.factories import GivenSystem, stored_run
from tests.integration.messaging.house import QUEUE, House, Make, ScriptedReceiver, executed


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No long rests while the database is away."""
    monkeypatch.setattr(database_retry, "_FIRST_REST_SECONDS", 0.001)
    return monkeypatch


class Away:
    """Stands before a function of the database: away for the first few calls."""

    def __init__(self, real: Callable[..., Any], times: int) -> None:
        self._real = real
        self._left = times
        self.seen_while_away: list[object] = []
        self.error = DatabaseUnavailable("The database is away.")
        self.look: Callable[[], object] = lambda: None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if self._left > 0:
            self._left -= 1
            self.seen_while_away.append(self.look())
            raise self.error
        return self._real(*arguments, **named)


@pytest.mark.parametrize("step", [(claiming, "claim"), (recording, "record_within")])
def test_a_ring_taken_while_the_database_is_away_is_kept_and_tried_again(
    house: House,
    receiver: ScriptedReceiver,
    run_to_execute: Make,
    quick: pytest.MonkeyPatch,
    step: tuple[ModuleType, str],
) -> None:
    run = run_to_execute()
    away = Away(getattr(*step), times=3)
    away.look = lambda: house.unacknowledged
    quick.setattr(*step, away)
    house.answer(Ring(run.id, QUEUE))
    assert away.seen_while_away == [1, 1, 1], "the message stays unacknowledged meanwhile"
    assert executed(receiver, run)


def test_a_thread_that_asks_in_vain_tells_the_trouble_and_rests_before_it_asks_again(
    house: House, receiver: ScriptedReceiver, run_to_execute: Make, quick: pytest.MonkeyPatch
) -> None:
    run = run_to_execute()
    away = Away(claiming.claim, times=2)
    away.look = lambda: len(database_troubles.troubles.present())
    quick.setattr(claiming, "claim", away)
    house.answer(Ring(run.id, QUEUE))
    assert away.seen_while_away == [0, 1]
    assert executed(receiver, run)


def test_a_result_that_meets_a_full_disk_waits_for_room_and_is_recorded(
    house: House, receiver: ScriptedReceiver, run_to_execute: Make, quick: pytest.MonkeyPatch
) -> None:
    run = run_to_execute()
    full = Away(recording.record_within, times=3)
    full.error = DatabaseUnavailable("could not extend file", DatabaseFault.DISK_FULL)
    full.look = lambda: database_troubles.names_of(database_troubles.troubles.present())
    quick.setattr(recording, "record_within", full)
    house.answer(Ring(run.id, QUEUE))
    assert full.seen_while_away[-1] == ["disk_full"]
    assert database_troubles.troubles.present() == []
    assert executed(receiver, run)


def test_a_worker_that_begins_while_the_database_is_away_waits_for_it(
    system: GivenSystem, quick: pytest.MonkeyPatch
) -> None:
    quick.setattr(workers, "register", Away(workers.register, times=3))
    before = Worker.select().count()
    RunWorker(system, InProcessBroker(), threading.Event())
    assert Worker.select().count() == before + 1


def test_a_delayed_ring_taken_while_the_database_is_away_is_kept_and_tried_again(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make, quick: pytest.MonkeyPatch
) -> None:
    run = run_to_execute(DelayFromNow(1))
    system.clock.advance(1)
    quick.setattr(dispatching, "make_due", Away(dispatching.make_due, times=3))
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_worker_told_to_stop_while_the_database_is_away_leaves_its_run_to_the_top_up(
    system: GivenSystem, house: House, run_to_execute: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_to_execute()
    away = Away(claiming.claim, times=1)
    away.look = house.stopping.set
    monkeypatch.setattr(claiming, "claim", away)
    house.answer(*system.doorbell.heard())
    assert stored_run(run.id).status is RunStatus.QUEUED
    assert dispatching.top_up(system, house.broker) == 1
