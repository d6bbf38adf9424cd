"""Exchanges of threads with the engine: taken together, and put off while others hold the locks that they need."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field

from services.execution.recording import StaleFence
from services.execution.work import HandedIn, Work
from services.scheduling.run_endings import RunOutcome

_REST_SECONDS = 0.001
_MAX_RESTS = 3


@dataclass(frozen=True)
class ExchangeAnswer:
    """The engine's answer to a thread: how its result was recorded, if it gave one, and its next work.

    With `asks_again`, the claim failed or put runs back, so that there may be work all the same.
    """

    recorded: RunOutcome | StaleFence | None = None
    work: Work | None = None
    asks_again: bool = False


@dataclass
class Exchange:
    """A thread that waits for the engine's answer: the result that it hands in, if any, and whether it wants work.

    It is in a round while that is to answer it: not once it is put off, or left to the recorder.
    """

    queue_name: str
    ended: HandedIn | None
    wants_work: bool
    recorded: RunOutcome | StaleFence | None = None
    rounds: int = 0
    is_in_round: bool = False
    _reply: queue.SimpleQueue[ExchangeAnswer | BaseException] = field(default_factory=queue.SimpleQueue)

    def answer(self, work: Work | None = None, *, asks_again: bool = False) -> None:
        """Wake the thread, with or without work."""
        self.is_in_round = False
        self._reply.put(ExchangeAnswer(self.recorded, work, asks_again))

    def fail(self, error: BaseException) -> None:
        """Raise an error in the thread."""
        self.is_in_round = False
        self._reply.put(error)

    def fail_to_claim(self, error: Exception) -> None:
        """Wake the thread without work: with the outcome of its result, if that is recorded, else with the error.

        A thread that has the outcome asks again, and meets the error then.
        """
        if self.recorded is None:
            self.fail(error)
        else:
            self.answer(asks_again=True)

    def wait(self) -> ExchangeAnswer:
        """Wait for the answer. Raises what the exchange failed with."""
        reply = self._reply.get()
        if isinstance(reply, BaseException):
            raise reply
        return reply


class ExchangeQueue:
    """The exchanges that wait. Any thread adds one; the engine's alone takes them."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Exchange | None] = queue.SimpleQueue()
        self._put_off: list[Exchange] = []
        self._together = 1  # exchanges in the last round

    def put(self, exchange: Exchange) -> None:
        """Add an exchange."""
        self._waiting.put(exchange)

    def put_off(self, exchange: Exchange) -> None:
        """Keep an exchange for the next round."""
        exchange.is_in_round = False
        self._put_off.append(exchange)

    def close(self) -> None:
        """End the rounds once the exchanges that are waiting now are answered."""
        self._waiting.put(None)

    def next_round(self) -> tuple[list[Exchange], bool]:
        """Wait for an exchange. Returns all exchanges that are waiting by then, and whether there may be more.

        If threads work concurrently, waits briefly for as many exchanges as came together the last time.
        """
        exchanges = self.take_put_off()
        if not exchanges:
            first = self._waiting.get()
            if first is None:
                return [], False
            exchanges.append(first)
        goes_on = self._gather(exchanges)
        rests = _MAX_RESTS if self._together > 1 or exchanges[0].rounds else 0  # rounds: others are to unlock
        while goes_on and rests:
            time.sleep(_REST_SECONDS)
            goes_on = self._gather(exchanges)
            rests = rests - 1 if len(exchanges) < self._together else 0
        self._together = len(exchanges)
        return exchanges, goes_on

    def take_put_off(self) -> list[Exchange]:
        """Returns the exchanges that were put off, and forgets them."""
        taken, self._put_off = self._put_off, []
        return taken

    def take_left(self) -> list[Exchange]:
        """Returns the exchanges that came after the last round."""
        left: list[Exchange] = []
        while not self._gather(left):  # exchanges put before the closing marker, and after it
            pass
        return left

    def _gather(self, exchanges: list[Exchange]) -> bool:
        """Add the exchanges that are waiting. Returns whether there may be more."""
        while not self._waiting.empty():
            exchange = self._waiting.get()
            if exchange is None:
                return False
            exchanges.append(exchange)
        return True
