"""The parts that web, worker and coordinator processes share: database, clock, broker, doorbell, orderly end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import structlog

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable
from core.processes import ProcessKind
from migrations import runner
from models import database
from processes import exit_status, signals, start, tracing
from processes.serving import waiting_endpoint
from processes.serving.waiting_endpoint import Address, WaitingEndpoint
from services.maintenance.presence import Presence
from services.messaging import broker as brokers
from services.messaging.doorbell import BrokerDoorbell, Doorbell
from services.restoring.guard import Guard
from services.runtime import database_troubles, faults, logs
from services.runtime.clock import DatabaseClock
from services.runtime.event_metrics import count_events
from services.runtime.metrics import Metrics
from services.runtime.troubles import Trouble
from services.system import System
from settings import Settings

CLOSING_SECONDS = 2.0
_KINDS = tuple(ProcessKind)  # a worker is registered together with its leases
_DATABASE_REST_SECONDS = 1.0
_LAST_SECONDS = 1.0
_LAST_RINGS_SECONDS = 2
log = structlog.get_logger()


@dataclass(frozen=True)
class Foundation:
    """The parts that a process of the services mode uses while it runs."""

    settings: Settings
    system: System
    broker: brokers.Broker
    metrics: Metrics
    guard: Guard
    stopping: threading.Event = field(default_factory=threading.Event)

    def troubles(self) -> list[Trouble]:
        """Returns what keeps this process from queues, database or exporting spans, and all from starting runs."""
        of_database = database_troubles.troubles.present()
        of_spans = tracing.troubles(self.system.tracer)
        return [*self.broker.troubles.present(), *of_database, *self.guard.troubles(), *of_spans]


@contextmanager
def foundation(settings: Settings, process_name: str) -> Iterator[Foundation]:
    """Set up the parts of the process in order, take them down after the block, and end the process with status 0."""
    logs.configure(settings.log_level)
    faults.arm(settings.fault_points)
    start.warn(settings)
    database.connect(settings.database, process_name)
    address = waiting_endpoint.address_of(settings, process_name)
    _once_the_database_answers(runner.upgrade, address)
    clock = DatabaseClock()
    clock.keep_following(settings.heartbeat_seconds)
    broker = brokers.build(settings, process_name)
    doorbell = BrokerDoorbell(broker, clock)
    shares_port = process_name == "web" and settings.web_processes > 1
    metrics = observed(doorbell, process=str(os.getpid()) if shares_port else None)
    tracer = tracing.tracer(settings, process_name)
    system = System(settings, clock, doorbell, tracer=tracer)
    guard = Guard(system)
    _once_the_database_answers(guard.start, address)
    doorbell.start()
    presence = Presence(system, ProcessKind(process_name)) if process_name in _KINDS else None
    if presence is not None:
        presence.start()
    try:
        with _ending_the_process():
            yield Foundation(settings, system, broker, metrics, guard)
    finally:
        if presence is not None:
            presence.stop()
        guard.stop()
        doorbell.close(timeout_seconds=_LAST_RINGS_SECONDS)
        broker.close()
        tracing.stop(tracer)
        database.disconnect()
        log.info("stopped")
    signals.end_now()


@contextmanager
def _ending_the_process() -> Iterator[None]:
    """Make sure that the process ends soon after the block, whatever blocks then, with a status for how it went."""
    try:
        yield
    except exit_status.PLAIN_FAULTS as error:
        signals.end_within(_LAST_SECONDS, exit_status.status_of(error), last_words=str(error))
        raise
    except BaseException:
        signals.end_within(_LAST_SECONDS, status=1)  # the supervisor must see that this was no orderly end
        raise
    signals.end_within(_LAST_SECONDS)


def observed(doorbell: Doorbell | None = None, *, process: str | None = None) -> Metrics:
    """Count the events of this process from now on. Returns the metrics, which show the doorbell too if it has one."""
    metrics = Metrics(brokers.RUNS, process)
    count_events(metrics)
    if doorbell is not None:
        metrics.watch_rings(doorbell.waiting)
    return metrics


def _once_the_database_answers(step: Callable[[], object], address: Address | None) -> None:
    """Take a step that needs the database, once the database answers.

    Until then, log once what the process waits for, and answer health checks at the address.
    """
    said: DatabaseFault | None = None
    with closing(WaitingEndpoint(address)) as waiting:
        while True:
            try:
                step()
            except DatabaseUnavailable as error:
                trouble = database_troubles.trouble_of(error.fault)
                if error.fault is not said:
                    log.warning("waiting_for_database", fault=error.fault, error=str(error), remedy=trouble.remedy)
                said = error.fault
                waiting.tell(trouble)
                time.sleep(_DATABASE_REST_SECONDS)
            else:
                return
