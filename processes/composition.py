"""The parts that processes share: database, clock, broker, doorbell, guard, metrics, spans, and an orderly end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

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

PerformCall = Callable[[System, Any, Any], Any]
Step = Callable[[], object]


@dataclass(frozen=True)
class Foundation:
    """The parts that a process uses while it runs."""

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
def foundation(settings: Settings, process_name: str, perform_call: PerformCall | None = None) -> Iterator[Foundation]:
    """Set up the parts of a process of the services mode once the database answers, and end it after the block.

    The process ends with status 0, or with that of the fault that ended the block.
    """
    logs.configure(settings.log_level)
    faults.arm(settings.fault_points)
    start.warn(settings)
    take = partial(_once_the_database_answers, waiting_endpoint.address_of(settings, process_name))
    try:
        with parts(settings, process_name, perform_call, take) as base, _ending_the_process():
            yield base
    finally:
        log.info("stopped")
    signals.end_now()


@contextmanager
def parts(
    settings: Settings,
    process_name: str,
    perform_call: PerformCall | None = None,
    take: Callable[[Step], object] = lambda step: step(),
) -> Iterator[Foundation]:
    """Set up the parts of the process in order, and take them down in the reverse order after the block.

    `take` takes the steps that need the database.
    """
    database.connect(settings.database, process_name)
    take(runner.upgrade)
    clock = DatabaseClock()
    clock.keep_following(settings.heartbeat_seconds)
    broker = brokers.build(settings, process_name)
    doorbell = BrokerDoorbell(broker, clock)
    shares_port = process_name == "web" and settings.web_processes > 1
    metrics = observed(doorbell, process=str(os.getpid()) if shares_port else None)
    tracer = tracing.tracer(settings, process_name)
    system = System(settings, clock, doorbell, perform_call, tracer)
    guard = Guard(system)
    take(guard.start)  # before the block, which must not treat a database that was taken back as the latest
    with ExitStack() as stack:  # a process that was refused before has nothing to take down, and must not wait for it
        stack.callback(database.disconnect)
        stack.callback(tracing.stop, tracer)
        stack.callback(broker.close)
        stack.callback(doorbell.close, timeout_seconds=_LAST_RINGS_SECONDS)
        stack.callback(guard.stop)
        doorbell.start()
        if process_name in _KINDS:
            presence = Presence(system, ProcessKind(process_name))
            stack.callback(presence.stop)
            presence.start()
        yield Foundation(settings, system, broker, metrics, guard)


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


def _once_the_database_answers(address: Address | None, step: Step) -> None:
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
