"""The coordinator's loops: each goes on whatever befalls the others, says once what is wrong, and ends when told to."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from structlog.testing import capture_logs

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable
from models import database
from models.tables import db
from services.access import password_resets
from services.alerts import sending
from services.execution import held_runs
from services.jobs import pause_endings
from services.maintenance import figures, loops, rescues
from services.maintenance.coordinator import Coordinator
from services.maintenance.loops import Loop, Loops
from services.maintenance.pruning import Pruning
from services.messaging.broker import InProcessBroker
from services.runtime.clock import DatabaseClock
from services.runtime.database_troubles import names_of
from services.scheduling import dispatching, overdue, overlap_queue, planning
from services.system import System
from tests.factories import GivenSystem
from tests.waiting import until

PASSES = [
    (planning, "plan"),
    (dispatching, "due_soon"),
    (pause_endings, "next_ends"),
    (dispatching, "top_up"),
    (rescues.Rescues, "turn"),
    (overdue, "age"),
    (overdue, "watch_deadlines"),
    (overdue, "watch_late"),
    (overlap_queue, "give_all"),
    (held_runs, "release_due_keys"),
    (held_runs, "count_calls_of_new_limits"),
    (held_runs, "repair"),
    (figures, "summarise"),
    (password_resets, "send"),
    (sending, "send_oldest"),
    (Pruning, "turn"),
]


class Counted:
    """A turn that counts how often it was taken, and does what a test wants of it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.error = error

    def __call__(self) -> float:
        self.count += 1
        if self.error is not None:
            raise self.error
        return 0.001


@pytest.fixture(autouse=True)
def _short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_REST_AFTER_FAULT_SECONDS", 0.001)


@contextmanager
def running(*table: Loop) -> Iterator[Loops]:
    made = Loops(table, DatabaseClock(), threading.Event())
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("error", [ValueError("always"), DatabaseUnavailable("away")])
def test_a_loop_that_always_fails_starves_no_other_and_goes_on_itself(error: Exception) -> None:
    failing, working = Counted(error), Counted()
    with running(Loop("failing", failing), Loop("working", working)):
        until(lambda: failing.count >= 5 and working.count >= 5, "both loops to go on")


def test_a_loop_that_meets_a_fault_of_the_database_names_it_and_goes_on_when_it_is_over() -> None:
    full = Counted(DatabaseUnavailable("No space left on device", DatabaseFault.DISK_FULL))
    with running(Loop("storing", full)) as made:
        until(lambda: names_of(made.troubles()) == ["disk_full"], "the fault to be named")
        full.error = None
        until(lambda: made.troubles() == [], "the fault to be over")


def test_a_fault_is_logged_once_while_it_lasts_and_told_until_it_is_over() -> None:
    outcomes: list[float] = []

    def turn() -> float:
        outcomes.append(1.0)
        if len(outcomes) < 5:
            raise ValueError
        return 0.001

    with capture_logs() as logged, running(Loop("odd", turn)) as made:
        until(lambda: len(outcomes) > 5 and not made.troubles(), "the fault to be over")
    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["coordinator_fault"]


@pytest.mark.usefixtures("sqlite")
def test_a_loop_that_rests_for_an_hour_is_woken_and_is_ended() -> None:
    taken = Counted()
    loop = Loop("slow", lambda: taken() * 3_600_000)
    with running(loop) as made:
        until(lambda: taken.count == 1, "the first turn")
        loop.wake.set()
        until(lambda: taken.count == 2, "the turn that the wake-up asks for")
        made.stop()
        assert not any(thread.is_alive() for thread in made._threads)


@pytest.mark.parametrize(("rest_seconds", "keeps_it"), [(5.0, True), (10.0, False)])
def test_a_loop_that_rests_long_keeps_no_connection_meanwhile(store: str, rest_seconds: float, keeps_it: bool) -> None:
    opened: list[Any] = []

    def turn() -> float:
        with database.reading():
            opened.append(db.connection())
        return rest_seconds

    def is_open() -> bool:
        try:
            opened[0].cursor()
        except (psycopg2.InterfaceError, sqlite3.ProgrammingError):
            return False
        return True

    with running(Loop("seldom", turn)):
        until(lambda: opened and is_open() is keeps_it, "the turn")


@pytest.mark.parametrize("broken", range(len(PASSES)), ids=[name for _, name in PASSES])
def test_each_pass_goes_on_while_another_has_a_lasting_fault(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    """Nothing is done here: passes are counted in place of being taken."""
    counts = dict.fromkeys(range(len(PASSES)), 0)

    def counted(number: int) -> object:
        def take(*_given: object) -> list[object]:
            counts[number] += 1
            if number == broken:
                raise ValueError
            return []

        return take

    for number, (owner, name) in enumerate(PASSES):
        monkeypatch.setattr(owner, name, counted(number))
    coordinator = Coordinator(System(system.settings, DatabaseClock(), system.doorbell), InProcessBroker())
    coordinator.start()
    try:
        until(lambda: all(counts.values()), f"every pass to be taken: {counts}")
        until(lambda: counts[broken] >= 2, "the broken one to be tried again")
    finally:
        coordinator.stop()
