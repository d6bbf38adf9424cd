"""A worker in the process, whose handler answers as a test wants; and what may come of an attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import pytest

from actors.execution import RunExecutor
from actors.handling import HANDLERS
from actors.middleware import AttemptFailed
from core.errors import PermanentFailure, TransientFailure
from core.receiver_answers import PollAnswer
from core.schedules import Cron, Immediate, Polling, Schedule
from core.states import Outcome, RunStatus
from models.tables import Run
from services.execution import workers
from services.execution.engine import Engine
from services.execution.leases import Leases
from services.execution.work import Failed, Result, Succeeded
from services.maintenance import rescues
from services.messaging import broker as brokers
from tests.factories import GivenSystem, attempts_at, first_run, stored_run
from tests.integration.execution.attempting import LEASE_SECONDS, make_due_again

DONE = Succeeded(200, "{}")
NOT_DONE = Succeeded(200, "{}", PollAnswer({"page": 2}, done=False, next_in_seconds=None, progress=0.5, message="x"))
BUSY = Failed(TransientFailure("Busy.", status_code=503), "busy")
NEVER = Failed(PermanentFailure("Never.", status_code=400), "never")


@dataclass(frozen=True)
class Case:
    """A job's schedule, what comes of its run, and the status and outcome that this is."""

    schedule: Schedule
    result: Result
    status: RunStatus
    outcome: Outcome


CASES = {
    "a success": Case(Immediate(), DONE, RunStatus.COMPLETED, Outcome.SUCCEEDED),
    "a success of many": Case(Cron("* * * * *"), DONE, RunStatus.COMPLETED, Outcome.SUCCEEDED),
    "a poll": Case(Polling(3600), NOT_DONE, RunStatus.COMPLETED, Outcome.SUCCEEDED),
    "a failure that may pass": Case(Immediate(), BUSY, RunStatus.RETRYING, Outcome.FAILED),
    "a failure for good": Case(Immediate(), NEVER, RunStatus.FAILED, Outcome.FAILED),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


class House:
    """A worker whose handler answers as a test wants, and counts how often it was asked."""

    def __init__(self, system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self._system = system
        self._worker = workers.register(system)
        self._engine = Engine(system, self._worker)
        self._engine.start()
        monkeypatch.setitem(HANDLERS, brokers.RUNS_HTTP, self._answer)

    def _answer(self, *_about: Any) -> Result:
        self.calls += 1
        self._stopping.set()  # after this run; what is broken from here on is the record
        self._begin()
        return self._result

    def run(self, schedule: Schedule, result: Result, begin: Callable[[], object] = lambda: None) -> Run:
        """End the next run of a new job so; `begin` is called when its handler is done. Returns the run."""
        run = first_run(self._system, schedule, max_retries=3, retry_backoff_base=3600)
        if isinstance(schedule, Cron):
            make_due_again(self._system, run.id)
        self.calls = 0
        self.ring(run, result, begin)
        return run

    def ring(self, run: Run, result: Result, begin: Callable[[], object] = lambda: None) -> None:
        """Ring for a run, and let it end so if it is claimed."""
        self._result, self._begin = result, begin
        self._stopping = threading.Event()
        leases = Leases(self._system, self._worker)
        executor = RunExecutor(self._system, self._engine, leases, brokers.RUNS_HTTP, self._stopping)
        with suppress(AttemptFailed):
            executor.execute_run(str(run.id))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_about: object) -> None:
        self._engine.stop()

    def look_for_the_dead(self, run: Run) -> None:
        """Expire the lease, as if nothing had been recorded, and ring again."""
        self._system.clock.advance(LEASE_SECONDS + 1)
        rescues.rescue(self._system)
        self.ring(run, DONE)


def attempt_is_told(house: House, run: Run, status: RunStatus, outcome: Outcome) -> None:
    """The only attempt at a run is told as what it was, and nobody was called again."""
    house.look_for_the_dead(run)
    stored = stored_run(run.id)
    assert (house.calls, stored.status, stored.loss_count) == (1, status, 0)
    assert [tried.outcome for tried in attempts_at(run.id)] == [outcome]
    assert stored.lease_expires_at is None
