"""Probes the broker in a thread of its own, so that no request waits for a broker that hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog

from services.messaging import broker as brokers
from services.messaging.broker_troubles import BROKER
from services.runtime.troubles import Trouble

_ASK_EVERY_SECONDS = 2.0
_STOP_SECONDS = 0.5
log = structlog.get_logger()


class ProbedBroker(Protocol):
    """A broker that can be probed."""

    def unusable(self, queues: Iterable[str]) -> list[Trouble]:
        """Returns the troubles that keep these queues from being published to or consumed."""
        ...


class BrokerProbe:
    """Asks the broker every two seconds on a thread of its own, and keeps its last answer."""

    def __init__(self, broker: ProbedBroker) -> None:
        self._broker = broker
        self._answered = threading.Event()
        self._troubles: Sequence[Trouble] = ()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ask_again_and_again, name="broker-probe", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop asking, so that the connection can be closed."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def is_up(self) -> bool:
        """Whether the broker answered when it was last asked; waits a moment for the first answer."""
        return self._answered.wait(_ASK_EVERY_SECONDS) and all(one.part != BROKER for one in self._troubles)

    def troubles(self) -> Sequence[Trouble]:
        """Returns the troubles found when the broker was last asked."""
        return self._troubles

    def _ask_again_and_again(self) -> None:
        while not self._stopping.is_set():
            try:
                self._troubles = self._broker.unusable((*brokers.RUNS, brokers.BEATS))
            except Exception:  # without further probes, the last answer would be reported forever
                log.exception("probe_fault")
            self._answered.set()
            self._stopping.wait(_ASK_EVERY_SECONDS)
