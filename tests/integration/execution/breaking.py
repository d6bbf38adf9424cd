"""Workers whose calls fail or succeed as a test says, and the breaker that watches them."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

from core.breakers import MIN_CALLS
from core.errors import PermanentFailure, TransientFailure
from core.principals import LOCAL
from core.states import RunStatus
from models import database
from models.tables import Breaker, Run
from services.execution import held_runs, workers
from services.execution.engine import Engine
from services.execution.work import Failed, Result, Work
from services.jobs import creating
from services.messaging.broker import RUNS_HTTP
from tests.factories import (
    GivenSystem,
    new_job,
    runs_of,
    stored_run,
)
from tests.waiting import until

DOWN = Failed(TransientFailure("Down.", status_code=503), "down")
NO_ANSWER = Failed(TransientFailure("Connection refused."))
REFUSED = Failed(PermanentFailure("Not like this.", status_code=400), "no")
KEY = "destination:app_a/127.0.0.1"


class Workers:
    """Engines of worker processes, whose threads end their runs as the receiver of a test does."""

    def __init__(self, system: GivenSystem, count: int) -> None:
        self.system = system
        self._engines = [Engine(system, workers.register(system)) for _ in range(count)]

    def __enter__(self) -> Self:
        for engine in self._engines:
            engine.start()
        return self

    def __exit__(self, *_about: object) -> None:
        for engine in self._engines:
            engine.stop()

    def claim(self, engine: int = 0) -> Work | None:
        """What a thread of an engine gets that has nothing to hand in."""
        self.system.clock.advance(1)  # so that the engine looks whether anything is limited
        return self._engines[engine].exchange(RUNS_HTTP).work

    def claim_released(self, engine: int = 0) -> Work:
        """Release what is due, and claim it, as soon as an engine that sees to former calls has left its locks."""
        claimed: list[Work] = []

        def is_claimed() -> bool:
            held_runs.release_due_keys(self.system)
            claimed.extend(work for work in [self.claim(engine)] if work is not None)
            return bool(claimed)

        until(is_claimed, "a run that is released")
        return claimed[0]

    def end(self, work: Work, result: Result, engine: int = 0, queue: str = RUNS_HTTP) -> None:
        self._engines[engine].exchange(queue, (work, result), wants_work=False)

    def fail_until_it_opens(self, result: Result = DOWN) -> None:
        for _ in range(MIN_CALLS):
            work = self.claim()
            assert work is not None
            self.end(work, result)
        until(lambda: standing() is not None, "the breaker to open")


def standing() -> int | None:
    """How many calls the breaker lets go at once; None while it is closed."""
    row = breaker()
    return None if row is None else row["places"]


def breaker() -> dict[str, Any] | None:
    """The breaker as it is stored; None while it is closed."""
    with database.reading():
        row: dict[str, Any] | None = Breaker.select().where(Breaker.key == KEY).dicts().first()
    return row


def until_moved(former: dict[str, Any] | None) -> None:
    """Wait until the breaker is no longer as it was: an engine moves it after it has recorded the call."""
    until(lambda: breaker() != former, "the breaker to move")


def queued(system: GivenSystem, count: int, **changes: Any) -> list[UUID]:
    jobs = [creating.create(LOCAL, system, new_job(**changes)) for _ in range(count)]
    return [run.id for job_id in jobs for run in runs_of(job_id)]


def waiting(run_ids: list[UUID]) -> list[Run]:
    return [run for run in map(stored_run, run_ids) if run.status is RunStatus.QUEUED]
