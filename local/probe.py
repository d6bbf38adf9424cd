"""Whether the broker answers, asked beside the requests that want to know."""

from __future__ import annotations

import threading

from services import broker as brokers

_ASK_EVERY_SECONDS = 2.0


class BrokerProbe:
    """Asks the broker now and again on a thread of its own: one that hangs holds up nobody else."""

    def __init__(self, carrier: brokers.Carrier) -> None:
        self._carrier = carrier
        self._answered = threading.Event()
        self._is_up = False
        threading.Thread(target=self._ask_for_ever, name="broker-probe", daemon=True).start()

    def is_up(self) -> bool:
        """What the broker last answered; the first answer is waited for a moment."""
        self._answered.wait(_ASK_EVERY_SECONDS)
        return self._is_up

    def _ask_for_ever(self) -> None:
        rest = threading.Event()
        while True:
            self._is_up = self._ask()
            self._answered.set()
            rest.wait(_ASK_EVERY_SECONDS)

    def _ask(self) -> bool:
        try:
            self._carrier.ready(brokers.RUNS_HTTP)
        except brokers.AWAY:
            return False
        return True
