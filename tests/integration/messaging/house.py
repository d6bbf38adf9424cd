"""A worker to hand rings to, a receiver for its calls, a broker that only counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

import dramatiq

from actors.execution import RunExecutor
from actors.middleware import RowDecidedRetries
from core.states import RunStatus
from local.receiver import Entry, Receiver
from models.tables import Run
from services.execution import workers
from services.execution.engine import Engine
from services.execution.leases import Leases
from services.messaging.broker import RUNS_HTTP, InProcessBroker
from services.messaging.doorbell import Ring, actor_of
from services.scheduling import dispatching
from tests.factories import GivenSystem, stored_run
from tests.waiting import LONGEST

QUEUE = RUNS_HTTP

Make = Callable[..., Run]


class ScriptedReceiver(Receiver):
    """A receiver that does something first, such as hang, before it answers."""

    first: Callable[[], object] | None = None

    def receive(self, entry: Entry) -> tuple[HTTPStatus, dict[str, Any]]:
        if self.first is not None:
            self.first()
        return super().receive(entry)

    def calls_for(self, run_id: UUID) -> int:
        return [entry.headers["idempotency-key"] for entry in self.journal].count(str(run_id))


class House:
    """A worker process: the real executor on a broker inside the process. A test hands it each ring."""

    def __init__(self, system: GivenSystem) -> None:
        self.broker = InProcessBroker()
        self.stopping = threading.Event()
        worker = workers.register(system)
        self.leases = Leases(system, worker)
        self.engine = Engine(system, worker)
        self.executor = RunExecutor(system, self.engine, self.leases, QUEUE, self.stopping)
        self.broker.add_middleware(RowDecidedRetries(system))
        self.executor.declare(self.broker)
        self._worker = dramatiq.Worker(self.broker, worker_timeout=5, worker_threads=1)

    def start(self) -> None:
        self.engine.start()
        self._worker.start()

    def stop(self) -> None:
        self.stopping.set()
        self._worker.stop()
        self.engine.stop()
        self.broker.close()

    def take(self, ring: Ring) -> None:
        """Have this ring arrive now."""
        due = {} if ring.due_at is None else {"due_at": ring.due_at.isoformat()}
        self.broker.enqueue(self.broker.get_actor(actor_of(QUEUE)).message(run_id=str(ring.run_id), **due))

    def answer(self, *rings: Ring) -> None:
        """Have these rings arrive one after the other, until each has been dealt with."""
        for ring in rings:
            self.take(ring)
            self.finish()

    def finish(self) -> None:
        self.broker.join(QUEUE, timeout=LONGEST * 1000, fail_fast=False)

    @property
    def unacknowledged(self) -> int:
        return int(self.broker.queues[QUEUE].unfinished_tasks)


class Carrier:
    """A broker of which only the number of rings lying ready is asked."""

    def __init__(self, ready: int = 0) -> None:
        self._ready = ready

    def ready(self, queue: str) -> int:
        assert queue == QUEUE
        return self._ready

    def keep_alive(self) -> None:
        """Nothing to keep alive."""


def executed(receiver: ScriptedReceiver, run: Run) -> bool:
    """Whether the run was executed, once, and nothing of it is left."""
    return stored_run(run.id).status is RunStatus.COMPLETED and receiver.calls_for(run.id) == 1


def dispatch(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
