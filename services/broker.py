"""The broker that carries rings: RabbitMQ, or one inside this process."""

from __future__ import annotations

import collections
import contextlib
from typing import Any, Protocol

import dramatiq
import pika
import pika.exceptions
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerConnectionError

from core.errors import BrokerUnavailable
from services import broker_url
from settings import Settings

RUNS_HTTP = "runs.http"
RUNS_OWN = "runs.own"
RUNS_COMMAND = "runs.command"
RUNS_UPLOAD = "runs.upload"
RUNS_EMAIL = "runs.email"
RUNS = (RUNS_HTTP, RUNS_OWN, RUNS_EMAIL, RUNS_COMMAND, RUNS_UPLOAD)
BEATS = "beats"

_DEAD_LETTERS_KEPT = 100
_TRIES_TO_CLOSE = 10


class Carrier(Protocol):
    """What Carillon asks of a broker beyond Dramatiq's own interface."""

    def ready(self, queue: str) -> int:
        """How many rings lie in a queue, not yet with a worker. Raises `BrokerUnavailable`."""
        ...

    def keep_alive(self) -> None:
        """Answer the server's heartbeats on this thread's connection, if it has one. Raises `BrokerUnavailable`."""
        ...


def build(settings: Settings, process_name: str, least_heartbeat_seconds: int = 0) -> dramatiq.Broker:
    """The broker the settings name, without any of Dramatiq's own middleware. Nothing connects yet."""
    if settings.rabbitmq_url is None:
        return InProcessBroker()
    return RabbitBroker(settings.rabbitmq_url, process_name, least_heartbeat_seconds)


class InProcessBroker(StubBroker):
    """Rings that stay in this process. Dead letters, kept for looking at, are bounded."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        bounded: Any = collections.defaultdict(lambda: collections.deque(maxlen=_DEAD_LETTERS_KEPT))
        self.dead_letters_by_queue = bounded

    def ready(self, queue: str) -> int:
        waiting = self.queues.get(queue)
        return 0 if waiting is None else waiting.qsize()

    def keep_alive(self) -> None:
        """Nothing to keep alive in one process."""


class RabbitBroker(RabbitmqBroker):
    """RabbitMQ, with every publish confirmed, short time-outs, and connections named by process."""

    def __init__(self, url: str, process_name: str, least_heartbeat_seconds: int = 0) -> None:
        super().__init__(middleware=[], confirm_delivery=True)
        self.parameters: Any = broker_url.parameters(url, process_name, least_heartbeat_seconds)

    def close(self) -> None:
        """Close every connection, though a thread may just be opening one: Dramatiq stumbles over that."""
        for _ in range(_TRIES_TO_CLOSE):
            with contextlib.suppress(RuntimeError):
                super().close()
                return

    def ready(self, queue: str) -> int:
        try:
            answer = self.channel.queue_declare(queue=queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            del self.channel
            self.queues_pending.add(queue)
            return 0
        except pika.exceptions.AMQPError as error:
            del self.connection
            raise BrokerUnavailable(f"RabbitMQ did not answer: {error!r}") from error
        return int(answer.method.message_count)

    def keep_alive(self) -> None:
        connection = getattr(self.state, "connection", None)
        if connection is None:
            return
        try:
            connection.process_data_events()
        except pika.exceptions.AMQPError as error:
            del self.connection
            raise BrokerUnavailable(f"RabbitMQ closed the connection: {error!r}") from error


AWAY = (BrokerConnectionError, BrokerUnavailable, pika.exceptions.AMQPError, OSError)
