"""The broker that carries rings: RabbitMQ, or one inside this process."""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Iterable
from typing import Any, Protocol

import pika
import pika.exceptions
from dramatiq.brokers.rabbitmq import DEAD_MESSAGE_TTL, RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import q_name, xq_name
from dramatiq.errors import BrokerConnectionError, QueueNotFound

from core.errors import BrokerUnavailable
from services.messaging import broker_url
from services.messaging.broker_troubles import AWAY as NO_ANSWER
from services.messaging.broker_troubles import BROKER, is_missing, trouble_of
from services.messaging.consumers import CONNECTION_ERRORS, InProcessConsumer, RabbitConsumer
from services.runtime.troubles import Trouble, Troubles
from settings import Settings

RUNS_HTTP = "runs.http"
RUNS_CUSTOM = "runs.own"
RUNS_COMMAND = "runs.command"
RUNS_UPLOAD = "runs.upload"
RUNS_EMAIL = "runs.email"
PUBLISHING = "publishing"
RUNS = (RUNS_HTTP, RUNS_CUSTOM, RUNS_EMAIL, RUNS_COMMAND, RUNS_UPLOAD)
BEATS = "beats"
CLASSIC = "classic"

_DEAD_LETTERS_KEPT = 100
_TRIES_TO_CLOSE = 10
_REFUSED_REST_SECONDS = 5.0  # RabbitMQ logs each refusal
_NOBODY = "carillon.nobody"


class Carrier(Protocol):
    """The operations that Carillon needs of a broker beyond Dramatiq's own interface."""

    def ready(self, queue: str) -> int:
        """Returns the number of rings in a queue that no worker has taken. Raises `BrokerUnavailable`."""
        ...

    def keep_alive(self) -> None:
        """Answer the server's heartbeats on this thread's connection, if it has one. Raises `BrokerUnavailable`."""
        ...


def build(settings: Settings, process_name: str, least_heartbeat_seconds: int = 0) -> Broker:
    """Returns the broker that the settings name, without any of Dramatiq's own middleware. Nothing connects yet."""
    if settings.rabbitmq_url is None:
        return InProcessBroker()
    return RabbitBroker(
        settings.rabbitmq_url, process_name, least_heartbeat_seconds, queue_type=settings.rabbitmq_queue_type
    )


class InProcessBroker(StubBroker):
    """A broker within this process. It keeps a bounded number of dead letters, for inspection."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.troubles = Troubles()
        bounded: Any = collections.defaultdict(lambda: collections.deque(maxlen=_DEAD_LETTERS_KEPT))
        self.dead_letters_by_queue = bounded

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 100) -> Any:
        """Begin to consume a queue."""
        try:
            return InProcessConsumer(self.queues[queue_name], self.dead_letters_by_queue[queue_name], prefetch, timeout)
        except KeyError:
            raise QueueNotFound(queue_name) from None  # type: ignore[no-untyped-call]

    def ready(self, queue: str) -> int:
        waiting = self.queues.get(queue)
        return 0 if waiting is None else waiting.qsize()

    def keep_alive(self) -> None:
        """Do nothing: one process has no connection to keep alive."""

    def unusable(self, _queues: Iterable[str]) -> list[Trouble]:
        """Returns nothing: this process declares, publishes and consumes by itself."""
        return []


class RabbitBroker(RabbitmqBroker):
    """RabbitMQ, with every publish confirmed, short time-outs, and connections named by process.

    `troubles` holds what keeps a queue from being consumed; each is logged once. Queues are declared with `queue_type`:
    a policy of RabbitMQ cannot set the type of a queue, only its declaration can.
    """

    def __init__(
        self, url: str, process_name: str, least_heartbeat_seconds: int = 0, *, queue_type: str = CLASSIC
    ) -> None:
        super().__init__(middleware=[], confirm_delivery=True)
        self.troubles = Troubles()
        self._queue_type = queue_type
        self._missing: set[str] = set()  # queues that were not there when they were last to be consumed
        self.parameters: Any = broker_url.parameters(url, process_name, least_heartbeat_seconds)

    def close(self) -> None:
        """Close every connection. Dramatiq fails if a thread opens one meanwhile, so this tries again."""
        for _ in range(_TRIES_TO_CLOSE):
            with contextlib.suppress(RuntimeError):
                super().close()
                return

    @property
    def consumer_class(self) -> Any:
        return RabbitConsumer

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        """Returns the arguments with which Dramatiq declares a queue and the one of its delayed rings."""
        arguments: dict[str, Any] = super()._build_queue_arguments(queue_name)  # type: ignore[no-untyped-call]
        return {**arguments, **self._typed}

    def _declare_xq_queue(self, queue_name: str) -> Any:
        """Declare the queue of dead letters, which Dramatiq gives no other arguments than these."""
        arguments = {"x-message-ttl": DEAD_MESSAGE_TTL, **self._typed}
        return self.channel.queue_declare(queue=xq_name(queue_name), durable=True, arguments=arguments)

    @property
    def _typed(self) -> dict[str, str]:
        """Returns the type of the queues where it is not RabbitMQ's default, which earlier releases left unsaid."""
        return {} if self._queue_type == CLASSIC else {"x-queue-type": self._queue_type}

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:
        """Begin to consume a queue, declared again if it was deleted."""
        if self.troubles.of(queue_name) not in (None, NO_ANSWER):
            threading.Event().wait(_REFUSED_REST_SECONDS)
        self.queues_pending.add(q_name(queue_name))
        try:
            consumer = super().consume(queue_name, prefetch, timeout)
        except CONNECTION_ERRORS as error:
            raise self.lost(queue_name, error) from None
        self.troubles.end(queue_name)
        return consumer

    def note_consumed(self, queue: str) -> None:
        """Note that a queue is there, and consumed."""
        self._missing.discard(queue)

    def lost(self, queue: str, error: BaseException) -> BrokerConnectionError:
        """Note that a queue cannot be consumed. Returns the error that Dramatiq expects for it.

        A queue that is missing once was deleted between its declaration and its use; the next try declares it again.
        """
        if is_missing(error) and queue not in self._missing:
            self._missing.add(queue)
        else:
            self.troubles.begin(queue, trouble_of(q_name(queue), error), error)
        return BrokerConnectionError(str(error))  # type: ignore[no-untyped-call]

    def unusable(self, queues: Iterable[str]) -> list[Trouble]:
        """Returns what keeps these queues from being published to or consumed, as far as this process can find out."""
        found: list[Trouble] = []
        for queue in (*queues, None):
            trouble = self._trouble_with(queue)
            if trouble is not None and trouble.part == BROKER:
                return [trouble]
            found += [] if trouble is None else [trouble]
        return list(dict.fromkeys(found))

    def _trouble_with(self, queue: str | None) -> Trouble | None:
        """Returns what is wrong with a queue or, without one, with publishing."""
        try:
            if queue is None:
                self._try_to_publish()
            elif not self._declared(queue):
                return _unheard(queue)
        except CONNECTION_ERRORS as error:
            del self.connection
            return trouble_of(queue or PUBLISHING, error)
        return None

    def _declared(self, queue: str) -> bool:
        """Declare a queue and its companions as its users do. Returns whether anyone consumes it."""
        declaring: Any = self
        consumers = declaring._declare_queue(queue).method.consumer_count  # noqa: SLF001
        delayed = declaring._declare_dq_queue(queue).method.consumer_count  # noqa: SLF001
        declaring._declare_xq_queue(queue)  # noqa: SLF001
        return bool(consumers and delayed)

    def _try_to_publish(self) -> None:
        """Publish a message that no queue receives: RabbitMQ checks rights and alarms all the same."""
        with contextlib.suppress(pika.exceptions.UnroutableError):
            self.channel.basic_publish(exchange="", routing_key=_NOBODY, body=b"", mandatory=True)

    def ready(self, queue: str) -> int:
        try:
            self.declare_queue(queue, ensure=True)  # RabbitMQ logs an error for one that is only asked for
            answer = self.channel.queue_declare(queue=queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            del self.channel
            self.queues_pending.add(queue)
            return 0
        except BrokerConnectionError as error:
            if trouble_of(queue, error).part != BROKER:  # rings will say what keeps them from it
                return 0
            raise BrokerUnavailable(f"RabbitMQ did not answer: {error}") from error
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


def _unheard(queue: str) -> Trouble:
    who = "coordinator" if queue == BEATS else "worker"
    return Trouble(queue, f"No {who} consumes the queue {queue}.", f"Start a {who}, or read in its log what keeps it.")


Broker = RabbitBroker | InProcessBroker
