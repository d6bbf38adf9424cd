"""Runs that a claim took for nobody are handed back whatever stands in the way of one of them, or of the look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from core.states import RunStatus
from models import claims
from services.execution import careful_recording, recording, unconfirmed_claims
from services.execution.work import HandedIn
from tests.factories import GivenSystem, claim, first_run, stored_run
from tests.integration.execution.attempting import LEASE_SECONDS
from tests.integration.execution.calling_threads import Threads
from tests.outsider import outsider
from tests.waiting import LONGEST, until


@pytest.fixture
def threads(system: GivenSystem) -> Iterator[Threads]:
    made = Threads(system)
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed_claims, "LOOK_SECONDS", 0.01)


def test_at_the_limit_of_threads_nothing_is_raised_and_the_end_of_the_engine_hands_back(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_none(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    run = first_run(system)
    works = claim(system)
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", find_none)
        threads.engine._unconfirmed.add(works)
    threads.engine.stop()
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_looks_that_break_end_with_the_lease_too(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_broken = threading.Event()

    def break_off(*_given: Any) -> Any:
        has_broken.set()
        raise ValueError("It broke.")

    first_run(system)
    works = claim(system)
    monkeypatch.setattr(claims, "token_hashes", break_off)
    unconfirmed = threads.engine._unconfirmed
    unconfirmed.add(works)
    assert has_broken.wait(LONGEST)
    system.clock.advance(LEASE_SECONDS + 1)
    until(lambda: unconfirmed._thread is None, "the looks have ended")
    assert unconfirmed._works == []


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_run_of_a_locked_job_keeps_no_other_from_being_handed_back(
    store: str, system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_given: Any) -> Any:
        raise AssertionError("It waits for a lock.")

    locked, free = first_run(system, priority=9), first_run(system)
    works = claim(system, 2)
    with outsider(store, "SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", str(locked.job_id)):
        with monkeypatch.context() as watched:
            watched.setattr(careful_recording, "record", wait)
            threads.engine._unconfirmed.add(works)
            until(lambda: stored_run(free.id).status is RunStatus.QUEUED, "the other is handed back")
        assert stored_run(locked.id).status is RunStatus.RUNNING
    until(lambda: stored_run(locked.id).status is RunStatus.QUEUED, "it is handed back once it is free")


def test_a_run_that_cannot_be_recorded_keeps_no_other_from_being_handed_back(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = first_run(system, priority=9), first_run(system)
    works, decide = claim(system, 2), recording.decide

    def decide_unless_bad(locked: Any, attempt: HandedIn, *given: Any) -> Any:
        if attempt[0].run_id == bad.id:
            raise ValueError("It cannot be decided.")
        return decide(locked, attempt, *given)

    monkeypatch.setattr(recording, "decide", decide_unless_bad)
    threads.engine._unconfirmed.add(works)
    until(lambda: stored_run(good.id).status is RunStatus.QUEUED, "the other is handed back")
    assert stored_run(bad.id).status is RunStatus.RUNNING
