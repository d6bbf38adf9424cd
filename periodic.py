"""Every clock-driven actor, on one screen. Periodiq carries beats, never a tenant's schedule.

Periodiq has minute resolution and reads some expressions wrongly, so `* * * * *` is the only one it is given.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

import dramatiq
import periodiq

from services.messaging import broker as brokers
from services.messaging.broker_troubles import trouble_of
from services.messaging.consumers import CONNECTION_ERRORS
from services.runtime.troubles import Troubles

EVERY_MINUTE = "* * * * *"
CONNECTION_HEARTBEAT_SECONDS = 180  # its connection is used once a minute, and by nobody else to keep it alive
_STALE_AFTER_SECONDS = 30
_BEAT, _SENDER = "beat", "sender"
_IDLE_WAKE_MILLISECONDS = 500


def declare(broker: dramatiq.Broker, on_beat: Callable[[], None]) -> list[dramatiq.Actor[[], None]]:
    """The actors driven by the clock, on the given broker. `on_beat` is called where their queue is consumed."""
    broker.add_middleware(periodiq.PeriodiqMiddleware(skip_delay=_STALE_AFTER_SECONDS))

    @dramatiq.actor(
        broker=broker,
        actor_name=_BEAT,
        queue_name=brokers.BEATS,
        periodic=periodiq.cron(EVERY_MINUTE),
    )
    def beat() -> None:
        """Ask for the plan of the coming occurrences."""
        on_beat()

    return [beat]


def consumer(
    broker: dramatiq.Broker, on_beat: Callable[[], None], hear_sender: Callable[[Any], None]
) -> dramatiq.Worker:
    """Returns a consumer of beats on one thread, which calls `on_beat` for each. It is not started yet.

    `hear_sender` is called with the identity of the sender, if the beat carries it, before `on_beat`.
    """
    declare(broker, on_beat)
    broker.add_middleware(_Senders(hear_sender))
    return dramatiq.Worker(broker, queues={brokers.BEATS}, worker_threads=1, worker_timeout=_IDLE_WAKE_MILLISECONDS)


class _Senders(dramatiq.Middleware):
    """Passes on the identity of the process that sent a beat; beats of the previous release carry none."""

    def __init__(self, hear: Callable[[Any], None]) -> None:
        self._hear = hear

    def before_process_message(self, _broker: dramatiq.Broker, message: Any) -> None:
        if message.actor_name == _BEAT and _SENDER in message.options:
            self._hear(message.options[_SENDER])


class Beats(periodiq.Scheduler):  # type: ignore[misc]  # periodiq has no types
    """Sends a beat each minute; if RabbitMQ is unavailable it is dropped, and the coordinator plans without it."""

    def __init__(self, actors: list[Any], troubles: Troubles, sender: dict[str, Any]) -> None:
        """`sender` identifies this process in each beat, since it has no database in which to register."""
        super().__init__(actors=actors)
        self._troubles = troubles
        self._sender = sender
        # Signal handlers put into it, which the lock of a Queue might not survive.
        self.alarm_q: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def send_actors(self, actors: list[Any], now: Any) -> None:
        """Send these beats; the next is tried in a minute, whatever becomes of them."""
        try:
            for actor in actors:
                actor.send_with_options(scheduled_at=str(now), **{_SENDER: self._sender})
        except CONNECTION_ERRORS as error:
            self._troubles.begin(brokers.BEATS, trouble_of(brokers.BEATS, error), error)
        else:
            self._troubles.end(brokers.BEATS)

    def stop(self) -> None:
        """End `run`."""
        self.alarm_q.put_nowait(False)

    def run(self) -> None:
        """Send beats until told to stop. Needs the main thread, for its alarm signal."""
        self.schedule()
        self.loop()
