"""Every clock-driven actor, on one screen. Periodiq carries beats, never a tenant's schedule.

Periodiq has minute resolution and reads some expressions wrongly, so `* * * * *` is the only one it is given.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable
from typing import Any

import dramatiq
import periodiq
import structlog

from services import broker as brokers

EVERY_MINUTE = "* * * * *"
HEARTBEAT_SECONDS = 180  # its connection is used once a minute, and by nobody else to keep it alive
_STALE_AFTER_SECONDS = 30

log = structlog.get_logger()


def declare(broker: dramatiq.Broker, on_beat: Callable[[], None]) -> list[dramatiq.Actor[[], None]]:
    """The actors driven by the clock, on the given broker. `on_beat` is called where their queue is consumed."""
    broker.add_middleware(periodiq.PeriodiqMiddleware(skip_delay=_STALE_AFTER_SECONDS))

    @dramatiq.actor(
        broker=broker,
        actor_name="beat",
        queue_name=brokers.BEATS,
        periodic=periodiq.cron(EVERY_MINUTE),
    )
    def beat() -> None:
        """Ask for the plan of the coming occurrences."""
        on_beat()

    return [beat]


class Beats(periodiq.Scheduler):  # type: ignore[misc]  # periodiq has no types
    """Sends each beat at its minute; one that finds RabbitMQ away is let go, the coordinator plans without it."""

    def __init__(self, actors: list[Any]) -> None:
        super().__init__(actors=actors)
        # Signal handlers put into it, which the lock of a Queue might not survive.
        self.alarm_q: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def send_actors(self, actors: list[Any], now: Any) -> None:
        try:
            super().send_actors(actors, now)
        except brokers.AWAY as error:
            log.warning("beat_not_sent", error=str(error), remedy="the next one is tried in a minute")

    def stop_on_signals(self, stopping: threading.Event) -> None:
        """Let SIGTERM and SIGINT end `run`. To be called before the process says that it is ready."""

        def stop(*_: object) -> None:
            stopping.set()
            self.alarm_q.put_nowait(False)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)

    def run(self) -> None:
        """Send beats until told to stop. Needs the main thread, for its alarm signal."""
        self.schedule()
        self.loop()
