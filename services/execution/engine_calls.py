"""The calls of threads that wait for the engine: taken together, and put off while others hold the locks they need."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field

from services.execution.recording import StaleFence
from services.execution.work import EndedAttempt, Work
from services.scheduling.run_endings import RunOutcome

_REST_SECONDS = 0.001
_MAX_RESTS = 3


@dataclass(frozen=True)
class Exchanged:
    """The engine's answer to a thread: how its result was recorded, if it gave one, and its next work.

    With `asks_again`, no work could be claimed because the database was away.
    """

    recorded: RunOutcome | StaleFence | None = None
    work: Work | None = None
    asks_again: bool = False


@dataclass
class Call:
    """A thread that waits for an answer."""

    queue_name: str
    ended: EndedAttempt | None
    wants_work: bool
    recorded: RunOutcome | StaleFence | None = None
    rounds: int = 0
    _reply: queue.SimpleQueue[Exchanged | BaseException] = field(default_factory=queue.SimpleQueue)

    def answer(self, work: Work | None = None, *, asks_again: bool = False) -> None:
        """Wake the thread, with or without work."""
        self._reply.put(Exchanged(self.recorded, work, asks_again))

    def fail(self, error: BaseException) -> None:
        """Raise an error in the thread."""
        self._reply.put(error)

    def wait(self) -> Exchanged:
        """Wait for the answer. Raises what the call failed with."""
        reply = self._reply.get()
        if isinstance(reply, BaseException):
            raise reply
        return reply


class Calls:
    """The calls that wait. Any thread adds one; the engine's alone takes them."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._put_off: list[Call] = []
        self._together = 1  # calls in the last round

    def put(self, call: Call) -> None:
        """Add a call."""
        self._waiting.put(call)

    def put_off(self, call: Call) -> None:
        """Keep a call for the next round."""
        self._put_off.append(call)

    def close(self) -> None:
        """End the rounds once the calls that are waiting now are answered."""
        self._waiting.put(None)

    def count(self) -> int:
        """Returns about how many calls wait."""
        return self._waiting.qsize()

    def next_round(self) -> tuple[list[Call], bool]:
        """Wait for a call. Returns all calls that are waiting by then, and whether there may be more.

        If threads work concurrently, waits briefly for as many calls as came together the last time.
        """
        calls = self.take_put_off()
        if not calls:
            first = self._waiting.get()
            if first is None:
                return [], False
            calls.append(first)
        goes_on = self._gather(calls)
        rests = _MAX_RESTS if self._together > 1 or calls[0].rounds else 0  # rounds: others are to unlock
        while goes_on and rests:
            time.sleep(_REST_SECONDS)
            goes_on = self._gather(calls)
            rests = rests - 1 if len(calls) < self._together else 0
        self._together = len(calls)
        return calls, goes_on

    def take_put_off(self) -> list[Call]:
        """Returns the calls that were put off, and forgets them."""
        taken, self._put_off = self._put_off, []
        return taken

    def take_left(self) -> list[Call]:
        """Returns the calls that came after the last round."""
        left: list[Call] = []
        while not self._gather(left):  # calls put before the closing marker, and after it
            pass
        return left

    def _gather(self, calls: list[Call]) -> bool:
        """Add the calls that are waiting. Returns whether there may be more."""
        while not self._waiting.empty():
            call = self._waiting.get()
            if call is None:
                return False
            calls.append(call)
        return True
