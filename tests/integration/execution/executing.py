"""A worker in the process that executes what can be claimed, by the handlers that users get."""

from __future__ import annotations

import threading
from contextlib import suppress
from uuid import uuid4

from actors.execution import RunExecutor
from actors.middleware import AttemptFailed
from services.execution import workers
from services.execution.engine import Engine
from services.execution.leases import Leases
from services.messaging import broker as brokers
from tests.factories import GivenSystem


def execute(system: GivenSystem, queue: str = brokers.RUNS_HTTP) -> None:
    """Answer a ring: execute what can be claimed of a queue, until nothing is left or an attempt fails."""
    worker = workers.register(system)
    engine = Engine(system, worker)
    engine.start()
    try:
        with suppress(AttemptFailed):
            RunExecutor(system, engine, Leases(system, worker), queue, threading.Event()).execute_run(str(uuid4()))
    finally:
        engine.stop()
