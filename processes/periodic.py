"""The periodic process: sends a beat each minute. It needs the broker, but no database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import structlog

import periodic as beats
from core.processes import ProcessKind
from processes import signals
from processes.composition import CLOSING_SECONDS, observed
from processes.serving.health import endpoint
from processes.signals import StopSignals
from services.messaging import broker as brokers
from services.runtime import logs, this_process
from settings import Settings

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Send beats until SIGTERM or SIGINT, and end the process with status 0."""
    logs.configure(settings.log_level)
    stopping = threading.Event()
    broker = brokers.build(settings, "periodic", beats.CONNECTION_HEARTBEAT_SECONDS)
    sender = this_process.identity(ProcessKind.PERIODIC, datetime.now(UTC))
    scheduler = beats.Beats(beats.declare(broker, lambda: None), broker.troubles, sender.as_json())
    stop = StopSignals(stopping)

    def end() -> None:
        stop.wait()
        signals.end_within(CLOSING_SECONDS)
        scheduler.stop()

    threading.Thread(target=end, name="end", daemon=True).start()
    with endpoint(settings, stopping, broker.troubles.present, observed(), uses_database=False):
        scheduler.run()
    broker.close()
    log.info("stopped")
    signals.end_now()
