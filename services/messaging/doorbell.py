"""Rings: messages that wake a worker, sent on a thread of their own so that no work waits for the broker.

A ring may be lost (the broker is away, the process dies): the rows hold the truth, and the coordinator's top-up rings
again within a second.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import dramatiq
import structlog

from services.messaging import broker as brokers
from services.messaging.broker_troubles import BROKER, trouble_of
from services.messaging.consumers import CONNECTION_ERRORS
from services.runtime import events
from services.runtime.clock import Clock

_KEPT = 100_000
_REST_SECONDS = 1.0
_KEEP_ALIVE_SECONDS = 5.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Ring:
    """A wake-up for a queue that names a run; `due_at` is set if the run waits for that instant."""

    run_id: UUID
    queue: str
    due_at: datetime | None = None


class Doorbell(Protocol):
    """Sends rings."""

    def ring(self, rings: Iterable[Ring]) -> None:
        """Send these rings soon, each at its instant if it has one. Returns at once and never raises."""
        ...

    def waiting(self) -> int:
        """Returns about how many rings are not sent yet."""
        ...


class BrokerDoorbell:
    """Rings through a Dramatiq broker, from a thread of its own."""

    def __init__(self, broker: dramatiq.Broker, clock: Clock) -> None:
        self._broker: Any = broker
        self._clock = clock
        self._rings: queue.Queue[Ring | None] = queue.Queue(maxsize=_KEPT)
        self._resting_until: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def ring(self, rings: Iterable[Ring]) -> None:
        """Send these rings soon; what does not fit is left to the top-up."""
        for ring in rings:
            try:
                self._rings.put_nowait(ring)
            except queue.Full:
                events.emit("ring.lost", queue=ring.queue)

    def waiting(self) -> int:
        """Returns about how many rings are not sent yet."""
        return self._rings.qsize()

    def close(self, timeout_seconds: float) -> None:
        """Send what is left for at most `timeout_seconds`, then stop."""
        deadline = time.monotonic() + timeout_seconds
        with contextlib.suppress(queue.Full):
            self._rings.put(None, timeout=timeout_seconds)
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while True:
            try:
                ring = self._rings.get(timeout=_KEEP_ALIVE_SECONDS)
            except queue.Empty:
                with contextlib.suppress(*CONNECTION_ERRORS):
                    self._broker.keep_alive()
                continue
            if ring is None:
                return
            is_sent = time.monotonic() >= self._resting_until.get(ring.queue, 0.0) and self._send(ring)
            events.emit("ring.sent" if is_sent else "ring.lost", queue=ring.queue)

    def _send(self, ring: Ring) -> bool:
        """Send one ring. Returns whether the broker took it.

        If that fails, drop rings for a second: of its queue, or of all if the broker is away.
        The top-up rings for them when it is back.
        """
        noticed_by = f"ringing {ring.queue}"
        try:
            self._broker.enqueue(_message(ring), delay=_delay(ring, self._clock.now()))
        except CONNECTION_ERRORS as error:
            trouble = trouble_of(ring.queue, error)
            self._rest(brokers.RUNS if trouble.part == BROKER else (ring.queue,))
            self._broker.troubles.begin(noticed_by, trouble, error)
        except Exception:  # without this thread nothing would ring any more
            self._rest(brokers.RUNS)
            log.exception("doorbell_fault")
        else:
            self._broker.troubles.end(noticed_by)
            return True
        return False

    def _rest(self, queues: Iterable[str]) -> None:
        self._resting_until |= dict.fromkeys(queues, time.monotonic() + _REST_SECONDS)


def actor_of(queue: str) -> str:
    """Returns the name of the actor that consumes the rings of a queue."""
    return "execute_" + queue.replace(".", "_")


def _message(ring: Ring) -> dramatiq.Message[None]:
    arguments = {"run_id": str(ring.run_id)}
    if ring.due_at is not None:
        arguments["due_at"] = ring.due_at.isoformat()
    return dramatiq.Message(
        queue_name=ring.queue, actor_name=actor_of(ring.queue), args=(), kwargs=arguments, options={}
    )


def _delay(ring: Ring, now: datetime) -> int | None:
    """Returns the milliseconds until the ring is due. Dramatiq counts them by this machine's clock, right or wrong."""
    if ring.due_at is None:
        return None
    milliseconds = int((ring.due_at - now).total_seconds() * 1000)
    return milliseconds if milliseconds > 0 else None
