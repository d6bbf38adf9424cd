"""Runs loops, each on a thread of its own, so that a fault in one starves no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from core.errors import BrokerUnavailable, DatabaseUnavailable, Unavailable
from models import database
from services.messaging.broker_troubles import AWAY as NO_ANSWER
from services.runtime import events
from services.runtime.clock import Clock
from services.runtime.database_troubles import trouble_of
from services.runtime.troubles import Trouble, Troubles

READ_ON = "The log of the coordinator says why. It tries again by itself."

_REST_AFTER_FAULT_SECONDS = 1.0
_LONG_REST_SECONDS = 10.0
_STOP_SECONDS = 1.5
log = structlog.get_logger()


@dataclass(frozen=True)
class Loop:
    """A row of the table of loops. `turn` does what is to be done now; returns the seconds to rest until the next turn.

    A rest ends early when `wake` is set.
    """

    name: str
    turn: Callable[[], float]
    wake: threading.Event = field(default_factory=threading.Event)


class Loops:
    """Runs loops until they are stopped. A loop that fails says so once, rests, and goes on."""

    def __init__(self, loops: Sequence[Loop], clock: Clock, stopping: threading.Event) -> None:
        self._loops = loops
        self._clock = clock
        self._stopping = stopping
        self._troubles = Troubles()
        self._threads = [threading.Thread(target=self._run, args=(one,), name=one.name, daemon=True) for one in loops]

    def start(self) -> None:
        """Start a thread for each loop."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End each loop after the turn under way; a turn that takes long is not waited for."""
        self._stopping.set()
        for loop in self._loops:
            loop.wake.set()
        deadline = self._clock.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))

    def troubles(self) -> list[Trouble]:
        """Returns what keeps loops from their work at present."""
        return self._troubles.present()

    def _run(self, loop: Loop) -> None:
        events.emit("loop.started", loop=loop.name)
        while not self._stopping.is_set():
            rest_seconds = self._turn(loop)
            if rest_seconds >= _LONG_REST_SECONDS:
                database.disconnect()  # connections are few, and this one would be idle
            loop.wake.wait(rest_seconds)
            loop.wake.clear()

    def _turn(self, loop: Loop) -> float:
        """Take one turn; returns the seconds to rest after it."""
        try:
            rest_seconds = loop.turn()
        except Unavailable as error:
            events.emit("loop.failed", loop=loop.name)
            self._troubles.begin(loop.name, _waits(error), error)
            return _REST_AFTER_FAULT_SECONDS
        except Exception as error:  # a fault in one turn must not end the loop that all jobs depend on
            events.emit("loop.failed", loop=loop.name)
            fault = Trouble(loop.name, f"The loop `{loop.name}` failed: {type(error).__name__}.", READ_ON)
            if self._troubles.of(loop.name) != fault:  # with its traceback, once while it lasts
                log.exception("coordinator_fault", loop=loop.name)
            self._troubles.begin(loop.name, fault)
            return _REST_AFTER_FAULT_SECONDS
        events.emit("loop.turned", loop=loop.name)
        self._troubles.end(loop.name)
        return rest_seconds


def _waits(error: Unavailable) -> Trouble:
    if isinstance(error, DatabaseUnavailable):
        return trouble_of(error.fault)
    return NO_ANSWER if isinstance(error, BrokerUnavailable) else Trouble("coordinator", str(error), READ_ON)
