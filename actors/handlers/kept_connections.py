"""Connections kept from one call for the next to the same receiver."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from actors.handlers.connection import Wire
from core.networks import Reach

LIFE_SECONDS = 60.0  # then the name is looked up and judged again
IDLE_SECONDS = 2.0  # receivers close after 2 to 5
MOST = 256


@dataclass(frozen=True)
class Key:
    """What two calls must have in common to go over one connection: receiver, and by which rules it was reached."""

    scheme: str
    host: str
    port: int
    trust: ssl.SSLContext | None  # who vouches for the receiver
    reach: Reach  # by which its address was judged


class KeptConnections:
    """The idle connections of a process. One that is taken belongs to the taker alone, until it is kept again."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._of_key: dict[Key, list[Wire]] = {}  # the newest last
        self._all: dict[Wire, Key] = {}  # the newest last
        self._sweeper: threading.Event | None = None

    def __len__(self) -> int:
        return len(self._all)

    def take(self, key: Key) -> Wire | None:
        """Returns a connection that may be used, or None; what may not be used any more is closed."""
        while (wire := self._newest(key)) is not None:
            if not self._is_over(wire, self._monotonic()) and wire.is_quiet():
                return wire
            wire.close()
        return None

    def keep(self, key: Key, wire: Wire) -> None:
        """Keep a connection over which an answer has come whole; where there are too many the oldest is closed."""
        wire.idle_since = self._monotonic()
        with self._lock:
            closed = self._removed(next(iter(self._all))) if len(self._all) >= MOST else None
            self._all[wire] = key
            self._of_key.setdefault(key, []).append(wire)
            if self._sweeper is None:
                self._sweeper = threading.Event()
                threading.Thread(target=self._sweep, args=(self._sweeper,), name="sweeper", daemon=True).start()
        if closed is not None:
            closed.close()

    def drop(self, key: Key) -> None:
        """Close what is kept for a receiver."""
        while (wire := self._newest(key)) is not None:
            wire.close()

    def close_all(self) -> None:
        """Close everything."""
        with self._lock:
            wires = [self._removed(wire) for wire in list(self._all)]
            if self._sweeper is not None:
                self._sweeper.set()
                self._sweeper = None
        for wire in wires:
            wire.close()

    def _newest(self, key: Key) -> Wire | None:
        with self._lock:
            wires = self._of_key.get(key)
            return self._removed(wires[-1]) if wires else None

    def _removed(self, wire: Wire) -> Wire:
        """Take a connection off the lists; the caller has the lock."""
        key = self._all.pop(wire)
        wires = self._of_key[key]
        wires.remove(wire)
        if not wires:
            del self._of_key[key]
        return wire

    def _is_over(self, wire: Wire, now: float) -> bool:
        return now - wire.idle_since > IDLE_SECONDS or now - wire.opened_at > LIFE_SECONDS

    def _sweep(self, told_to_end: threading.Event) -> None:
        """Close what nobody takes again, and end once nothing is kept."""
        while not told_to_end.wait(IDLE_SECONDS):
            for wire in self._overdue():
                wire.close()
            with self._lock:
                if not self._all and self._sweeper is told_to_end:
                    self._sweeper = None
                    return

    def _overdue(self) -> list[Wire]:
        with self._lock:
            now = self._monotonic()
            return [self._removed(wire) for wire in list(self._all) if self._is_over(wire, now)]
