"""The engine of a worker process: one thread that records what has ended and claims what is next, many at a time.

A thread that executes runs hands in its result and gets its next work in one call. All calls that are waiting at the
same moment share a transaction, so the cost per run falls as the load rises. A run is claimed only for a thread that is
free to execute it.

The engine never waits for a lock: if another transaction has locked a job, or the gate of pauses is closed, the result
goes to a later round, and after a few rounds to a second thread, the lane, which may wait. Results that cannot be
recorded together go to the lane, too.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from core.errors import DatabaseUnavailable, Unavailable
from models import database
from models.pauses import Gate
from services.execution import breakers, careful_recording, claiming, held_runs, recording
from services.execution.breakers import LastCalls
from services.execution.engine_calls import Call, Calls, Exchanged
from services.execution.limits import Known
from services.execution.recording import NotRecorded, RecordResult
from services.execution.rotation import Rotation
from services.execution.work import EndedAttempt, Work
from services.execution.workers import WorkerIdentity
from services.messaging.broker import RUNS_HTTP
from services.system import System

MAX_TOGETHER = 32
_ROUNDS_BEFORE_THE_LANE = 3
log = structlog.get_logger()


class Engine:
    """Records and claims for the threads of one process."""

    def __init__(self, system: System, worker: WorkerIdentity) -> None:
        self._system = system
        self._worker = worker
        self._limits = Known(system)
        self._rotation = Rotation()
        self._last_calls = LastCalls(system)
        self._calls = Calls()
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="record-alone")
        self._releaser = ThreadPoolExecutor(1, thread_name_prefix="release-held-runs")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to answer calls."""
        self._thread.start()

    def stop(self) -> None:
        """Answer the calls that are waiting, then end the thread."""
        self._calls.close()
        self._thread.join()
        self._lane.shutdown()
        self._releaser.shutdown(cancel_futures=True)  # the coordinator releases the others, a little later
        for call in self._calls.take_left():  # the lane recorded their results meanwhile; they get no further work
            call.answer()

    def exchange(self, queue_name: str, ended: EndedAttempt | None = None, *, wants_work: bool = True) -> Exchanged:
        """Record a result, if one is given, and claim the most urgent run of a queue, if one is wanted.

        Raises `DatabaseUnavailable` while the result cannot be recorded; hand it in again then.
        """
        call = Call(queue_name, ended, wants_work)
        self._calls.put(call)
        return call.wait()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            calls, goes_on = self._calls.next_round()
            for first in range(0, len(calls), MAX_TOGETHER):
                self._answer(calls[first : first + MAX_TOGETHER])
        for call in self._calls.take_put_off():
            self._to_the_lane(call)
        database.disconnect()

    def _answer(self, calls: Sequence[Call]) -> None:
        ended = [call for call in calls if call.ended is not None]
        free = [call for call in calls if call.ended is None]
        try:
            if not self._exchange_at_once(ended, free):
                self._claim([*self._record(ended), *free])
        except BaseException as error:  # noqa: BLE001  raised in the threads that wait
            for call in calls:
                call.fail(error)

    def _exchange_at_once(self, ended: Sequence[Call], free: Sequence[Call]) -> bool:
        """Record the results of these threads and claim for all of them in one transaction, unless limits apply.

        Returns False if nothing was done: then record and claim in separate transactions, so that a fault in one does
        not prevent the other.
        """
        if not ended or any(self._limits.are_on(call.queue_name) for call in (*ended, *free)):
            return False
        try:
            outcomes, claimed = self._record_and_claim(ended, free)
        except Exception as error:  # noqa: BLE001  each is done by itself now, and meets it again
            log.debug("exchange_split", error=str(error))
            return False
        recorded = self._noted(ended, outcomes)
        for call in (*recorded, *free):
            works = claimed.get(call.queue_name) if call.wants_work else None
            call.answer(works.pop(0) if works else None)
        self._follow_up(recorded)
        return True

    def _record_and_claim(
        self, ended: Sequence[Call], free: Sequence[Call]
    ) -> tuple[list[RecordResult], dict[str, list[Work]]]:
        """Record, then claim in the same transaction. Returns the outcomes, and what was claimed of each queue."""
        began = self._system.clock.monotonic()
        with self._system.transaction(Gate.UNUSED) as unit:
            outcomes = recording.record_within(self._system, unit, _results(ended))
            done = [call for call, one in zip(ended, outcomes, strict=True) if one is not NotRecorded.LOCKED]
            wanted = Counter(call.queue_name for call in (*done, *free) if call.wants_work)
            claimed = {
                queue_name: claiming.claim_within(self._system, self._worker, queue_name, count, self._rotation)
                for queue_name, count in wanted.items()
            }
        recording.after_commit(self._system, outcomes, began)
        return outcomes, claimed

    def _record(self, calls: Sequence[Call]) -> list[Call]:
        """Record the results of these calls. Returns the calls whose result is recorded."""
        if not calls:
            return []
        try:
            outcomes = recording.record_what_is_free(self._system, _results(calls))
        except Unavailable as error:
            for call in calls:
                call.fail(error)
            return []
        except Exception:  # noqa: BLE001  one result is bad: each is recorded alone
            for call in calls:
                self._to_the_lane(call)
            return []
        recorded = self._noted(calls, outcomes)
        self._follow_up(recorded)
        return recorded

    def _follow_up(self, recorded: Sequence[Call]) -> None:
        """Move breakers by how these calls ended, and release runs for the places that became free.

        No result waits for this, and a fault here delays no thread's answer.
        """
        try:
            of_http = _results([call for call in recorded if call.queue_name == RUNS_HTTP])
            if tripped := self._last_calls.record(of_http):
                self._releaser.submit(self._see_to, partial(self._last_calls.open, tripped))
            if left := [(work, result) for work, result in _results(recorded) if work.places]:
                self._releaser.submit(self._see_to, partial(breakers.move, self._system, left))
                keys = [key for work, _ in left for key in work.places]
                self._releaser.submit(self._see_to, partial(held_runs.release_after, self._system, keys))
        except Exception:
            log.exception("follow_up_failed")

    def _see_to(self, action: partial[None]) -> None:
        try:
            action()
        except Exception:  # the coordinator releases the runs, a little later; the breaker moves on the next call
            log.exception("follow_up_failed", action=action.func.__name__)

    def _noted(self, calls: Sequence[Call], outcomes: Sequence[RecordResult]) -> list[Call]:
        """Returns the calls that need no further recording; the others go to a later round or to the lane."""
        done: list[Call] = []
        for call, outcome in zip(calls, outcomes, strict=True):
            if outcome is NotRecorded.LOCKED:
                self._put_off(call)
            else:
                call.recorded = outcome
                done.append(call)
        return done

    def _put_off(self, call: Call) -> None:
        call.rounds += 1
        if call.rounds < _ROUNDS_BEFORE_THE_LANE:
            self._calls.put_off(call)
        else:
            self._to_the_lane(call)

    def _to_the_lane(self, call: Call) -> None:
        if call.ended is not None:  # only calls with a result are put off
            self._lane.submit(self._record_alone, call, call.ended)

    def _record_alone(self, call: Call, ended: EndedAttempt) -> None:
        """Record one result, waiting for locks if need be, then put the call back to claim its next work."""
        try:
            [call.recorded] = careful_recording.record(self._system, [ended])
        except BaseException as error:  # noqa: BLE001  raised in the thread that waits
            call.fail(error)
            return
        self._follow_up([call])
        call.ended = None
        if call.wants_work:
            self._calls.put(call)
        else:
            call.answer()

    def _claim(self, calls: Sequence[Call]) -> None:
        """Claim work for these calls, and answer each, with or without work."""
        of_queues: dict[str, list[Call]] = {}
        for call in calls:
            if call.wants_work:
                of_queues.setdefault(call.queue_name, []).append(call)
            else:
                call.answer()
        for queue_name, wanting in of_queues.items():
            self._claim_of(queue_name, wanting)

    def _claim_of(self, queue_name: str, calls: Sequence[Call]) -> None:
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


def _results(calls: Sequence[Call]) -> list[EndedAttempt]:
    return [call.ended for call in calls if call.ended is not None]
