"""The engine of a worker process: one thread that records what has ended and claims what is next, many at a time.

A thread that executes runs hands in its result and gets its next work by one call. All calls that wait at the same
moment share a transaction, so the more there is to do, the less each run costs. A run is claimed only for a thread
that is free for it.

The engine never waits for a lock: where another transaction has locked a job, or the gate of pauses is closed, the
result goes to a later round, and after a few rounds to a second thread, the lane, which may wait. Results that cannot
be recorded together go to the lane, too.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog

from core.errors import DatabaseUnavailable, Unavailable
from models import database
from services.execution import breakers, careful_recording, claiming, giving, recording
from services.execution.breakers import LastCalls
from services.execution.limits import Known
from services.execution.recording import Later
from services.execution.rotation import Rotation
from services.execution.work import EndedAttempt, Work
from services.execution.workers import WorkerIdentity
from services.messaging.broker import RUNS_HTTP
from services.scheduling.run_endings import Settled
from services.system import System

MOST_TOGETHER = 32
_ROUNDS_BEFORE_THE_LANE = 3
_REST_SECONDS = 0.001
_MOST_RESTS = 3
log = structlog.get_logger()


@dataclass(frozen=True)
class Exchanged:
    """What a thread gets for its result: how that was recorded (None: it was refused), and its next work.

    With `asks_again`, no work could be claimed because the database was away.
    """

    settled: Settled | None = None
    work: Work | None = None
    asks_again: bool = False


Reply = Exchanged | BaseException


@dataclass
class _Call:
    """A thread that waits for an answer."""

    queue_name: str
    ended: EndedAttempt | None
    wants_work: bool
    reply: queue.SimpleQueue[Reply] = field(default_factory=queue.SimpleQueue)
    settled: Settled | None = None
    rounds: int = 0

    def answer(self, work: Work | None = None, *, asks_again: bool = False) -> None:
        self.reply.put(Exchanged(self.settled, work, asks_again))


class Engine:
    """Records and claims for the threads of one process."""

    def __init__(self, system: System, worker: WorkerIdentity) -> None:
        self._system = system
        self._worker = worker
        self._limits = Known(system)
        self._rotation = Rotation()
        self._last_calls = LastCalls(system)
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._later: list[_Call] = []
        self._together = 1  # calls in the last round
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="record-alone")
        self._giver = ThreadPoolExecutor(1, thread_name_prefix="give-places")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to answer calls."""
        self._thread.start()

    def stop(self) -> None:
        """Answer the calls that are waiting, then end the thread."""
        self._calls.put(None)
        self._thread.join()
        self._lane.shutdown()
        self._giver.shutdown(cancel_futures=True)  # the coordinator gives what is left, a little later
        while not self._calls.empty():  # the lane recorded their results meanwhile; they get no further work
            if (call := self._calls.get()) is not None:
                call.answer()

    def exchange(self, queue_name: str, ended: EndedAttempt | None = None, *, wants_work: bool = True) -> Exchanged:
        """Record a result, if one is given, and claim the most urgent run of a queue, if one is wanted.

        Raises `DatabaseUnavailable` while the result cannot be recorded; hand it in again then.
        """
        call = _Call(queue_name, ended, wants_work)
        self._calls.put(call)
        reply = call.reply.get()
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            calls, goes_on = self._waiting_calls()
            for first in range(0, len(calls), MOST_TOGETHER):
                self._answer(calls[first : first + MOST_TOGETHER])
        for call in self._later:
            self._to_the_lane(call)
        database.disconnect()

    def _waiting_calls(self) -> tuple[list[_Call], bool]:
        """Wait for a call. Returns all calls that are waiting by then, and whether there may be more.

        Where threads work side by side, rests for as many as came together the last time, though not for long.
        """
        calls, self._later = self._later, []
        if not calls:
            first = self._calls.get()
            if first is None:
                return [], False
            calls.append(first)
        goes_on = self._gather(calls)
        rests = _MOST_RESTS if self._together > 1 or calls[0].rounds else 0  # rounds: others are to release their locks
        while goes_on and rests:
            time.sleep(_REST_SECONDS)
            goes_on = self._gather(calls)
            rests = rests - 1 if len(calls) < self._together else 0
        self._together = len(calls)
        return calls, goes_on

    def _gather(self, calls: list[_Call]) -> bool:
        """Add the calls that are waiting. Returns whether there may be more."""
        while not self._calls.empty():
            call = self._calls.get()
            if call is None:
                return False
            calls.append(call)
        return True

    def _answer(self, calls: Sequence[_Call]) -> None:
        ended = [call for call in calls if call.ended is not None]
        free = [call for call in calls if call.ended is None]
        try:
            if not self._exchange_at_once(ended, free):
                self._claim([*self._record(ended), *free])
        except BaseException as error:  # noqa: BLE001  raised in the threads that wait
            for call in calls:
                call.reply.put(error)

    def _exchange_at_once(self, ended: Sequence[_Call], free: Sequence[_Call]) -> bool:
        """Record what these threads hand in and claim for all of them in one transaction, where no limit forbids it.

        False if nothing was done: then it is to be recorded, and claimed, by a transaction each, so that a fault of
        the one does not keep the other from being done.
        """
        if not ended or any(self._limits.are_on(call.queue_name) for call in (*ended, *free)):
            return False
        claimed: dict[str, list[Work]] = {}

        def claim(settled: Sequence[Settled | Later | None]) -> None:
            recorded = [call for call, one in zip(ended, settled, strict=True) if not isinstance(one, Later)]
            wanted = Counter(call.queue_name for call in (*recorded, *free) if call.wants_work)
            for queue_name, count in wanted.items():
                claimed[queue_name] = claiming.claim_within(
                    self._system, self._worker, queue_name, count, self._rotation
                )

        try:
            settled = recording.record_what_is_free(self._system, _results(ended), claim)
        except Exception as error:  # noqa: BLE001  each is done by itself now, and meets it again
            log.debug("exchange_split", error=str(error))
            return False
        recorded = [call for call, one in zip(ended, settled, strict=True) if self._is_recorded(call, one)]
        for call in (*recorded, *free):
            works = claimed.get(call.queue_name) if call.wants_work else None
            call.answer(works.pop(0) if works else None)
        self._follow_up(recorded)
        return True

    def _record(self, calls: Sequence[_Call]) -> list[_Call]:
        """Record the results of these calls. Returns the calls whose result is recorded."""
        if not calls:
            return []
        try:
            settled = recording.record_what_is_free(self._system, _results(calls))
        except Unavailable as error:
            for call in calls:
                call.reply.put(error)
            return []
        except Exception:  # noqa: BLE001  one result is bad: each is recorded alone
            for call in calls:
                self._to_the_lane(call)
            return []
        recorded = [call for call, one in zip(calls, settled, strict=True) if self._is_recorded(call, one)]
        self._follow_up(recorded)
        return recorded

    def _follow_up(self, recorded: Sequence[_Call]) -> None:
        """Move breakers by how these calls ended, and give the places that they left.

        No result waits for that, and no fault of it keeps a thread from its answer.
        """
        try:
            of_http = _results([call for call in recorded if call.queue_name == RUNS_HTTP])
            if tripped := self._last_calls.tripped(of_http):
                self._giver.submit(self._see_to, breakers.open_new, tripped)
            if left := [(work, result) for work, result in _results(recorded) if work.places]:
                self._giver.submit(self._see_to, breakers.move, left)
                self._giver.submit(self._see_to, giving.freed, [key for work, _ in left for key in work.places])
        except Exception:
            log.exception("follow_up_failed")

    def _see_to(self, action: Callable[[System, Any], None], what: Any) -> None:
        try:
            action(self._system, what)
        except Exception:  # the coordinator gives places, a little later; a breaker moves by the next call
            log.exception("follow_up_failed", action=action.__name__)

    def _is_recorded(self, call: _Call, settled: Settled | Later | None) -> bool:
        if not isinstance(settled, Later):
            call.settled = settled
            return True
        call.rounds += 1
        if call.rounds < _ROUNDS_BEFORE_THE_LANE:
            self._later.append(call)
        else:
            self._to_the_lane(call)
        return False

    def _to_the_lane(self, call: _Call) -> None:
        if call.ended is not None:  # only who hands in a result is put off
            self._lane.submit(self._record_alone, call, call.ended)

    def _record_alone(self, call: _Call, ended: EndedAttempt) -> None:
        """Record one result, waiting for locks if need be, then put the call back to claim its next work."""
        try:
            [call.settled] = careful_recording.record(self._system, [ended])
        except BaseException as error:  # noqa: BLE001  raised in the thread that waits
            call.reply.put(error)
            return
        self._follow_up([call])
        call.ended = None
        if call.wants_work:
            self._calls.put(call)
        else:
            call.answer()

    def _claim(self, calls: Sequence[_Call]) -> None:
        """Claim work for these calls, and answer each, with or without work."""
        of_queues: dict[str, list[_Call]] = {}
        for call in calls:
            if call.wants_work:
                of_queues.setdefault(call.queue_name, []).append(call)
            else:
                call.answer()
        for queue_name, wanting in of_queues.items():
            self._claim_of(queue_name, wanting)

    def _claim_of(self, queue_name: str, calls: Sequence[_Call]) -> None:
        try:
            is_limited = self._limits.are_on(queue_name)
            works = claiming.claim(
                self._system, self._worker, queue_name, len(calls), self._rotation, is_limited=is_limited
            )
        except DatabaseUnavailable:
            for call in calls:
                call.answer(asks_again=True)
            return
        for call, work in zip(calls, [*works, *[None] * (len(calls) - len(works))], strict=True):
            call.answer(work)


def _results(calls: Sequence[_Call]) -> list[EndedAttempt]:
    return [call.ended for call in calls if call.ended is not None]
