"""Keep connections for the next call to the same receiver."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from actors.calls.wire import Wire
from core.networks import Reach
from core.ways import DIRECT, Way

LIFE_SECONDS = 60.0  # after that, the name is looked up and checked again
IDLE_SECONDS = 2.0  # receivers close after 2 to 5
MOST = 256


@dataclass(frozen=True)
class Key:
    """What two calls must share to use one connection: the receiver, and the rules by which it was reached."""

    scheme: str
    host: str
    port: int
    trust: ssl.SSLContext | None  # the authorities that the receiver's certificate was checked with
    reach: Reach  # the rule that its address was checked by
    way: Way = DIRECT


class KeptConnections:
    """The idle connections of a process. A connection that is taken is used exclusively, until it is kept again."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._of_key: dict[Key, list[Wire]] = {}  # the newest last
        self._all: dict[Wire, Key] = {}  # the newest last
        self._sweeper: threading.Event | None = None

    def __len__(self) -> int:
        return len(self._all)

    def take(self, key: Key) -> Wire | None:
        """Returns a usable connection, or None; closes those that are no longer usable."""
        while (wire := self._newest(key)) is not None:
            if not self._is_over(wire, self._monotonic()) and wire.is_quiet():
                return wire
            wire.close()
        return None

    def keep(self, key: Key, wire: Wire) -> None:
        """Keep a connection after a whole answer; if there are too many, the oldest is closed."""
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
        """Close the connections kept for a receiver."""
        while (wire := self._newest(key)) is not None:
            wire.close()

    def close_all(self) -> None:
        """Close all connections: between tests, since those of a process end with it."""
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
        """Remove a connection from the lists; the caller holds the lock."""
        key = self._all.pop(wire)
        wires = self._of_key[key]
        wires.remove(wire)
        if not wires:
            del self._of_key[key]
        return wire

    def _is_over(self, wire: Wire, now: float) -> bool:
        return now - wire.idle_since > IDLE_SECONDS or now - wire.opened_at > LIFE_SECONDS

    def _sweep(self, told_to_end: threading.Event) -> None:
        """Close connections that have been idle too long, and end once none is kept."""
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
