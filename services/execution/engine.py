"""The engine of a worker process: one thread that records what has ended and claims what is next, many at a time.

A thread that executes runs hands in its result and gets its next work in one exchange. All exchanges that wait at the
same moment share a transaction, so the cost per run falls as the load rises. A run is claimed only for a thread that is
free to execute it.

The engine never waits for a lock: if another transaction has locked a job, or the gate of pauses is closed, the result
goes to a later round, and after a few rounds to a second thread, the recorder, which records them one by one and may
wait. Results that cannot be recorded together go to the recorder, too.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from core.errors import DatabaseUnavailable, Unavailable
from models import database
from models.pauses import Gate
from services.execution import breakers, careful_recording, claiming, held_runs, recording
from services.execution.breakers import LastCalls
from services.execution.claiming import Claim
from services.execution.exchanges import Exchange, ExchangeAnswer, ExchangeQueue
from services.execution.limits import LimitCache
from services.execution.recording import NotRecorded, RecordResult
from services.execution.rotation import Rotation
from services.execution.unconfirmed_claims import UnconfirmedClaims
from services.execution.work import HandedIn, Work
from services.execution.workers import WorkerIdentity
from services.messaging.broker import RUNS_HTTP
from services.system import System

MAX_TOGETHER = 32
_ROUNDS_TOGETHER = 3  # after so many, the recorder records a result
log = structlog.get_logger()


class Engine:
    """Records and claims for the threads of one process."""

    def __init__(self, system: System, worker: WorkerIdentity) -> None:
        self._system = system
        self._worker = worker
        self._limits = LimitCache(system)
        self._rotation = Rotation()
        self._last_calls = LastCalls(system)
        self._unconfirmed = UnconfirmedClaims(system)
        self._exchanges = ExchangeQueue()
        self._recorder = ThreadPoolExecutor(1, thread_name_prefix="record-alone")
        self._releaser = ThreadPoolExecutor(1, thread_name_prefix="release-held-runs")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._recorder.submit(lambda: None)  # its thread starts now: later, the machine might have none to spare
        self._thread.start()

    def stop(self) -> None:
        """Answer the exchanges that are waiting, then end the thread."""
        self._exchanges.close()
        self._thread.join()
        self._unconfirmed.stop()
        self._recorder.shutdown()
        self._releaser.shutdown(cancel_futures=True)  # the coordinator releases the others, a little later
        for exchange in self._exchanges.take_left():  # the recorder had them; they get no further work
            exchange.answer()

    def exchange(self, queue_name: str, ended: HandedIn | None = None, *, wants_work: bool = True) -> ExchangeAnswer:
        """Record a result, if one is given, and claim the most urgent run of a queue, if one is wanted.

        Raises `DatabaseUnavailable` while the result cannot be recorded; hand it in again then.
        """
        exchange = Exchange(queue_name, ended, wants_work)
        self._exchanges.put(exchange)
        return exchange.wait()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            exchanges, goes_on = self._exchanges.next_round()
            for first in range(0, len(exchanges), MAX_TOGETHER):
                self._answer(exchanges[first : first + MAX_TOGETHER])
        for exchange in self._exchanges.take_put_off():
            self._record_alone_later(exchange)
        database.disconnect()

    def _answer(self, exchanges: Sequence[Exchange]) -> None:
        for exchange in exchanges:
            exchange.is_in_round = True
        ended = [exchange for exchange in exchanges if exchange.ended is not None]
        free = [exchange for exchange in exchanges if exchange.ended is None]
        try:
            if not self._exchange_at_once(ended, free):
                self._claim([*self._record(ended), *free])
        except BaseException as error:  # noqa: BLE001  raised in the threads that wait for this round
            for exchange in exchanges:
                if exchange.is_in_round:
                    exchange.fail(error)

    def _exchange_at_once(self, ended: Sequence[Exchange], free: Sequence[Exchange]) -> bool:
        """Record the results of these threads and claim for all of them in one transaction, unless limits apply.

        Returns False if nothing was done: then record and claim in separate transactions, so that a fault in one does
        not prevent the other.
        """
        if not ended:
            return False
        try:
            if any(self._limits.may_apply(exchange.queue_name) for exchange in (*ended, *free)):
                return False
            outcomes, claimed = self._record_and_claim(ended, free)
        except Exception as error:  # noqa: BLE001  each is done by itself now, and meets it again
            log.debug("exchange_split", error=str(error))
            return False
        try:
            recorded = self._recorded_of(ended, outcomes)
            for exchange in (*recorded, *free):
                _answer_with(exchange, claimed.get(exchange.queue_name) if exchange.wants_work else None)
        finally:
            self._unconfirmed.add(_works(claimed))  # none, unless this broke
        self._follow_up(recorded)
        return True

    def _record_and_claim(
        self, ended: Sequence[Exchange], free: Sequence[Exchange]
    ) -> tuple[list[RecordResult], dict[str, Claim]]:
        """Record, then claim in the same transaction. Returns the outcomes, and what was claimed of each queue."""
        began = self._system.clock.monotonic()
        claimed: dict[str, Claim] = {}
        try:
            with self._system.transaction(Gate.UNUSED) as unit:
                outcomes = recording.record_within(self._system, unit, _results(ended))
                done = [one for one, outcome in zip(ended, outcomes, strict=True) if outcome is not NotRecorded.LOCKED]
                claimed = self._claim_within([*done, *free])
        except Exception:
            self._unconfirmed.add(_works(claimed))  # none unless at the commit
            raise
        recording.after_commit(self._system, outcomes, began)
        return outcomes, claimed

    def _claim_within(self, exchanges: Sequence[Exchange]) -> dict[str, Claim]:
        """Claim for these exchanges within the caller's transaction. Returns what was claimed of each queue."""
        wanted = Counter(exchange.queue_name for exchange in exchanges if exchange.wants_work)
        return {
            queue_name: claiming.claim_within(self._system, self._worker, queue_name, count, self._rotation)
            for queue_name, count in wanted.items()
        }

    def _record(self, exchanges: Sequence[Exchange]) -> list[Exchange]:
        """Record the results of these exchanges. Returns those whose result is recorded."""
        if not exchanges:
            return []
        try:
            outcomes = recording.record_what_is_free(self._system, _results(exchanges))
        except Unavailable as error:
            for exchange in exchanges:
                exchange.fail(error)
            return []
        except Exception:  # noqa: BLE001  one result is bad: each is recorded alone
            for exchange in exchanges:
                self._record_alone_later(exchange)
            return []
        recorded = self._recorded_of(exchanges, outcomes)
        self._follow_up(recorded)
        return recorded

    def _follow_up(self, recorded: Sequence[Exchange]) -> None:
        """Report how the calls of these attempts ended to the breakers, and release runs for the places that are free.

        No result waits for this, and a fault here delays no thread's answer.
        """
        try:
            of_http = _results([exchange for exchange in recorded if exchange.queue_name == RUNS_HTTP])
            if tripped := self._last_calls.record(of_http):
                self._releaser.submit(self._follow_up_safely, partial(self._last_calls.open, tripped))
            if left := [(work, result) for work, result in _results(recorded) if work.places]:
                self._releaser.submit(self._follow_up_safely, partial(breakers.move, self._system, left))
                keys = [key for work, _ in left for key in work.places]
                self._releaser.submit(self._follow_up_safely, partial(held_runs.release_after, self._system, keys))
        except Exception:
            log.exception("follow_up_failed")

    def _follow_up_safely(self, action: partial[None]) -> None:
        try:
            action()
        except Exception:  # the coordinator releases the runs, a little later; the breaker moves on the next call
            log.exception("follow_up_failed", action=action.func.__name__)

    def _recorded_of(self, exchanges: Sequence[Exchange], outcomes: Sequence[RecordResult]) -> list[Exchange]:
        """Returns the exchanges that need no further recording; the others go to a later round or to the recorder."""
        done: list[Exchange] = []
        for exchange, outcome in zip(exchanges, outcomes, strict=True):
            if outcome is NotRecorded.LOCKED:
                self._put_off(exchange)
            else:
                exchange.recorded = outcome
                done.append(exchange)
        return done

    def _put_off(self, exchange: Exchange) -> None:
        exchange.rounds += 1
        if exchange.rounds < _ROUNDS_TOGETHER:
            self._exchanges.put_off(exchange)
        else:
            self._record_alone_later(exchange)

    def _record_alone_later(self, exchange: Exchange) -> None:
        exchange.is_in_round = False
        if exchange.ended is not None:  # only exchanges with a result are put off
            self._recorder.submit(self._record_alone, exchange, exchange.ended)

    def _record_alone(self, exchange: Exchange, ended: HandedIn) -> None:
        """Record one result, waiting for locks if need be, then put the exchange back to claim its next work."""
        try:
            [exchange.recorded] = careful_recording.record(self._system, [ended])
        except BaseException as error:  # noqa: BLE001  raised in the thread that waits
            exchange.fail(error)
            return
        self._follow_up([exchange])
        exchange.ended = None
        if exchange.wants_work:
            self._exchanges.put(exchange)
        else:
            exchange.answer()

    def _claim(self, exchanges: Sequence[Exchange]) -> None:
        """Claim work for these exchanges, and answer each, with or without work."""
        of_queues: dict[str, list[Exchange]] = {}
        for exchange in exchanges:
            if exchange.wants_work:
                of_queues.setdefault(exchange.queue_name, []).append(exchange)
            else:
                exchange.answer()
        for queue_name, wanting in of_queues.items():
            self._claim_of(queue_name, wanting)

    def _claim_of(self, queue_name: str, exchanges: Sequence[Exchange]) -> None:
        """Claim work of one queue for these exchanges. If that fails, no other queue is concerned."""
        try:
            is_limited = self._limits.may_apply(queue_name)
            works = claiming.claim(
                self._system,
                self._worker,
                queue_name,
                len(exchanges),
                self._rotation,
                is_limited=is_limited,
                unconfirmed=self._unconfirmed.add,
            )
        except Exception as error:
            if not isinstance(error, DatabaseUnavailable):
                log.exception("claim_failed", queue=queue_name)
            for exchange in exchanges:
                exchange.fail_to_claim(error)
            return
        for exchange, work in zip(exchanges, [*works, *[None] * (len(exchanges) - len(works))], strict=True):
            exchange.answer(work)


def _results(exchanges: Sequence[Exchange]) -> list[HandedIn]:
    return [exchange.ended for exchange in exchanges if exchange.ended is not None]


def _works(claimed: Mapping[str, Claim]) -> list[Work]:
    return [work for claim in claimed.values() for work in claim.works]


def _answer_with(exchange: Exchange, claim: Claim | None) -> None:
    """Answer with the next work of a claim; without one, the thread asks again if the claim set others aside."""
    if claim is not None and claim.works:
        exchange.answer(claim.works.pop(0))
    else:
        exchange.answer(asks_again=claim is not None and claim.set_others_aside)
