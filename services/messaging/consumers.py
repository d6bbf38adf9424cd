"""Dramatiq's consumers, which rest for as long as nothing comes, and wake at the instant of a delayed message.

Dramatiq passes a delayed message on when the consumer that holds it wakes. With rests of one length, a process that
is idle wakes often, or is late with what is delayed; so a consumer rests until the next message that it holds is due.
"""

from __future__ import annotations

import heapq
import threading
import time
from typing import TYPE_CHECKING, Any

import pika.exceptions
from dramatiq.brokers.rabbitmq import _RabbitmqConsumer
from dramatiq.brokers.stub import _StubConsumer
from dramatiq.common import current_millis, q_name
from dramatiq.errors import BrokerConnectionError

from core.errors import BrokerUnavailable

if TYPE_CHECKING:
    from services.messaging.broker import RabbitBroker

CONNECTION_ERRORS = (BrokerConnectionError, BrokerUnavailable, pika.exceptions.AMQPError, OSError)

_KEEP_ALIVE_SECONDS = 5.0
_THREAD_ENDS_SECONDS = 0.5
_UntypedRabbitmqConsumer: Any = _RabbitmqConsumer
_UntypedStubConsumer: Any = _StubConsumer


class Delayed:
    """The instants at which messages that a consumer holds are to be passed on, in milliseconds since 1970."""

    def __init__(self) -> None:
        self._due: list[int] = []

    def note(self, message: Any) -> None:
        """Note a message that the consumer hands over, if it is delayed."""
        due = None if message is None else message.options.get("eta")
        if due is not None:
            heapq.heappush(self._due, due)

    def rest(self, longest: float) -> float:
        """Returns the milliseconds until the next is to be passed on, at most `longest`."""
        return longest if not self._due else max(0, min(longest, self._due[0] - current_millis()))

    def passed_on(self, handed_over_at: int) -> None:
        """Forget what was due when the consumer last handed over: Dramatiq has passed it on since."""
        while self._due and self._due[0] <= handed_over_at:
            heapq.heappop(self._due)


class InProcessConsumer(_UntypedStubConsumer):  # type: ignore[misc]  # Dramatiq has no types for it
    """Consumes a queue within this process."""

    def __init__(self, queue: Any, dead_letters: Any, prefetch: int, timeout: int) -> None:
        super().__init__(queue, dead_letters, prefetch, timeout)
        self._longest = timeout
        self._delayed = Delayed()
        self._handed_over_at = 0

    def __next__(self) -> Any:
        self._delayed.passed_on(self._handed_over_at)
        self.timeout = self._delayed.rest(self._longest)
        message = super().__next__()
        self._delayed.note(message)
        self._handed_over_at = current_millis()
        return message


class RabbitConsumer(_UntypedRabbitmqConsumer):  # type: ignore[misc]  # Dramatiq has no types for it
    """Consumes a queue, and keeps alive the connection on which its thread declares queues and forwards delayed rings.

    RabbitMQ would close that one for missed heartbeats, and log an error.
    """

    def __init__(self, broker: RabbitBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)
        self._longest = self._rest = float(timeout)
        self._delayed = Delayed()
        self._handed_over_at = 0
        self._alive_until = 0.0
        self._thread = threading.current_thread()

    def __next__(self) -> Any:
        try:
            self._delayed.passed_on(self._handed_over_at)
            self._rest_at_most(self._delayed.rest(self._longest))
            message = super().__next__()
            self.broker.note_consumed(self.queue_name)
            self._delayed.note(message)
            self._handed_over_at = current_millis()
            if time.monotonic() >= self._alive_until:
                self._alive_until = time.monotonic() + _KEEP_ALIVE_SECONDS
                self.broker.keep_alive()
        except CONNECTION_ERRORS as error:
            raise self.broker.lost(self.queue_name, error) from None
        except StopIteration:  # the queue was deleted under us
            self.broker.queues_pending.add(q_name(self.queue_name))
            raise
        return message

    def close(self) -> None:
        """Close the connection; from another thread than the one that opened it, only once that thread has ended.

        pika allows one thread at a time in a connection. If the thread does not end soon, as on a busy machine, the
        connection closes with the process, and RabbitMQ delivers to others what was not acknowledged.
        """
        if self._thread is not threading.current_thread():
            self._thread.join(_THREAD_ENDS_SECONDS)
            if self._thread.is_alive():
                return
        super().close()

    def _rest_at_most(self, milliseconds: float) -> None:
        """Wait for so long at most for the next message; pika goes on with the same consumer."""
        if milliseconds != self._rest:
            self._rest = milliseconds
            self.iterator = self.channel.consume(self.queue_name, inactivity_timeout=milliseconds / 1000)
