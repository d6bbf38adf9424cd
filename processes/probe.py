"""What keeps the broker from carrying rings, asked beside the requests that want to know."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from services.messaging import broker as brokers
from services.messaging.broker_troubles import BROKER
from services.runtime.troubles import Trouble

_ASK_EVERY_SECONDS = 2.0
_STOP_SECONDS = 0.5


class Carrier(Protocol):
    """A broker that can be asked."""

    def unusable(self, queues: Iterable[str]) -> list[Trouble]:
        """What keeps rings from being sent to these queues and heard."""
        ...


class BrokerProbe:
    """Asks the broker now and again on a thread of its own: one that hangs holds up nobody else."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._answered = threading.Event()
        self._troubles: Sequence[Trouble] = ()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ask_again_and_again, name="broker-probe", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, so that the connection can be closed."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def is_up(self) -> bool:
        """Whether the broker answered when it was last asked; the first answer is waited for a moment."""
        return self._answered.wait(_ASK_EVERY_SECONDS) and all(one.part != BROKER for one in self._troubles)

    def troubles(self) -> Sequence[Trouble]:
        """What was amiss when the broker was last asked."""
        return self._troubles

    def _ask_again_and_again(self) -> None:
        while not self._stopping.is_set():
            self._troubles = self._carrier.unusable((*brokers.RUNS, brokers.BEATS))
            self._answered.set()
            self._stopping.wait(_ASK_EVERY_SECONDS)
