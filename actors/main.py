"""The entry point of a worker: broker, actors, leases, and an orderly stop."""

from __future__ import annotations

import threading

import dramatiq
import structlog

from actors.draining import Drain
from actors.execution import RunExecutor
from actors.middleware import RowDecidedRetries
from core.errors import AbortReason, DatabaseUnavailable
from services.execution import workers
from services.execution.engine import Engine
from services.execution.leases import Leases
from services.messaging import broker as brokers
from services.runtime.database_retry import retry_while_unavailable
from services.system import System

_IDLE_WAKE_MILLISECONDS = 500
_HAND_BACK_SECONDS = 5.0
_IDLE_THREADS_END_MILLISECONDS = 1000
log = structlog.get_logger()


class RunWorker:
    """Executes runs in this process until it is stopped; once `stopping` is set, it claims no more."""

    def __init__(self, system: System, broker: dramatiq.Broker, stopping: threading.Event) -> None:
        self._system = system
        self._stopping = stopping
        self._identity = retry_while_unavailable(lambda: workers.register(system), stopping.is_set)
        self._leases = Leases(system, self._identity, self._hear_drain)
        self._engine = Engine(system, self._identity)
        broker.add_middleware(RowDecidedRetries(system))
        draining = threading.Event()
        for queue in brokers.RUNS:
            RunExecutor(system, self._engine, self._leases, queue, stopping, draining=draining).declare(broker)
        self._dramatiq = dramatiq.Worker(
            broker,
            queues=set(brokers.RUNS),
            worker_timeout=_IDLE_WAKE_MILLISECONDS,
            worker_threads=system.settings.worker_threads,
        )
        self._drain = Drain(self._dramatiq, draining)

    def start(self) -> None:
        """Begin to answer rings."""
        self._leases.start()
        self._engine.start()
        self._dramatiq.start()

    def under_way(self) -> int:
        """Returns how many attempts are under way."""
        return self._leases.count()

    def finish(self) -> None:
        """Claim no more, wait for attempts to finish within the grace period, and hand back those that have not."""
        self._stopping.set()
        self._leases.wait_until_none(self._system.settings.shutdown_grace_seconds)
        self.hurry()
        self._leases.wait_until_none(_HAND_BACK_SECONDS)

    def hurry(self) -> None:
        """Hand back all attempts, including any that are claimed later."""
        self._leases.abort_all(AbortReason.SHUTDOWN)

    def stop(self) -> None:
        """End the threads and close what they use, once `finish` has returned; quick, if the servers answer."""
        self._dramatiq.stop(timeout=_IDLE_THREADS_END_MILLISECONDS)
        self._engine.stop()
        self._leases.stop()
        try:
            workers.sign_off(self._system, self._identity)
        except DatabaseUnavailable as error:
            log.warning("sign_off_failed", error=str(error))

    def _hear_drain(self, drains: bool) -> None:
        if not self._stopping.is_set():
            self._drain.hear(drains)
