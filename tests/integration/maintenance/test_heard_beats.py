"""A beat that is heard is stored, also one that comes while the database is away; and so is who sent it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable
from core.processes import ProcessIdentity, ProcessKind
from core.signs_of_life import BEAT
from models import database, signals
from models import processes as rows
from models.tables import Process
from services.maintenance.coordinator import Coordinator
from services.messaging.broker import InProcessBroker
from services.runtime import this_process
from tests.commits import fail_at_commit
from tests.factories import NOON, GivenSystem
from tests.integration.execution.interrupting import away


@pytest.fixture
def coordinator(system: GivenSystem) -> Coordinator:
    """One that is not started: a test takes its turns."""
    return Coordinator(system, InProcessBroker())


def sender() -> ProcessIdentity:
    return this_process.identity(ProcessKind.PERIODIC, NOON)


def beat(coordinator: Coordinator, sent_by: ProcessIdentity) -> None:
    coordinator.hear_sender(sent_by.as_json())
    coordinator.beat()


def beat_seen_at() -> datetime | None:
    with database.reading():
        return signals.seen().get(BEAT)


def senders_seen_at() -> dict[UUID, datetime]:
    with database.reading():
        return {one.id: one.seen_at for one in Process.select()}


@pytest.mark.parametrize("fails", ["in the transaction", "at its commit"])
def test_what_comes_while_the_database_is_away_is_stored_once_it_is_back_as_of_when_it_came(
    system: GivenSystem, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    periodic = sender()
    beat(coordinator, periodic)
    system.clock.advance(10)
    if fails == "at its commit":
        fail_at_commit(monkeypatch, after=False)
    else:
        monkeypatch.setattr(signals, "mark", away)
    with pytest.raises(DatabaseUnavailable):
        coordinator._plan()
    assert (beat_seen_at(), senders_seen_at()) == (None, {})
    monkeypatch.undo()
    coordinator._plan()
    assert (beat_seen_at(), senders_seen_at()) == (NOON, {periodic.id: NOON})


def test_what_is_stored_is_forgotten(system: GivenSystem, coordinator: Coordinator) -> None:
    beat(coordinator, sender())
    coordinator._plan()
    with system.transaction():
        Process.delete().execute()
        signals.forget(BEAT, NOON)
    coordinator._plan()
    assert (beat_seen_at(), senders_seen_at()) == (None, {})


def test_a_beat_that_comes_while_another_is_stored_is_stored_next(
    system: GivenSystem, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, periodic, later = signals.mark, sender(), NOON + timedelta(seconds=1)

    def mark_while_another_comes(name: str, now: datetime, seen_at: datetime) -> None:
        monkeypatch.undo()
        mark(name, now, seen_at)
        system.clock.set(later)
        beat(coordinator, periodic)

    beat(coordinator, periodic)
    monkeypatch.setattr(signals, "mark", mark_while_another_comes)
    coordinator._plan()
    coordinator._plan()
    assert (beat_seen_at(), senders_seen_at()) == (later, {periodic.id: later})


def test_a_beat_that_is_stored_late_takes_nothing_back(system: GivenSystem, coordinator: Coordinator) -> None:
    """Two coordinators hear the beats in turn, and one of them was cut off from the database."""
    periodic, later = sender(), NOON + timedelta(minutes=1)
    beat(coordinator, periodic)
    system.clock.set(later)
    another = Coordinator(system, InProcessBroker())
    beat(another, periodic)
    another._plan()
    coordinator._plan()
    assert (beat_seen_at(), senders_seen_at()) == (later, {periodic.id: later})


def test_an_instant_that_is_still_to_come_was_stored_by_a_wrong_clock_and_gives_way(
    system: GivenSystem, coordinator: Coordinator
) -> None:
    periodic, wrong = sender(), NOON + timedelta(days=1)
    with system.transaction():
        signals.mark(BEAT, wrong)
        rows.see(periodic, wrong)
    beat(coordinator, periodic)
    coordinator._plan()
    assert (beat_seen_at(), senders_seen_at()) == (NOON, {periodic.id: NOON})


def test_a_sender_that_cannot_be_stored_keeps_no_beat_and_no_plan_back(coordinator: Coordinator) -> None:
    odd = replace(sender(), host="half a surrogate pair: \ud800")  # no database takes it
    beat(coordinator, odd)
    coordinator._plan()
    assert (beat_seen_at(), senders_seen_at()) == (NOON, {})
