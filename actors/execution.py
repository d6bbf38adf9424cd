"""The one actor that executes runs: make due, call the handler under a lease, exchange its result for the next run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import dramatiq
import structlog

from actors.handling import HANDLERS
from actors.middleware import AttemptFailed, RowDecidedRetries
from core.errors import Aborted, AbortReason, DatabaseUnavailable, TransientFailure
from core.states import RunStatus
from services.execution import attempt_spans, careful_recording, kept_calls
from services.execution.engine import Engine
from services.execution.exchanges import ExchangeAnswer
from services.execution.leases import Leases
from services.execution.recording import NotRecorded
from services.execution.work import Failed, Result, Stopped, Work
from services.messaging.doorbell import Ring, actor_of
from services.runtime import events, faults
from services.runtime.abort_scope import AbortScope
from services.runtime.database_retry import retry_while_unavailable
from services.scheduling import dispatching
from services.system import System

_CLAIM_FOR_SECONDS = 1.0
_EARLY_SECONDS = 1.0

Done = TypeVar("Done")
log = structlog.get_logger()


class RunExecutor:
    """Executes the runs of one queue in this process, as many at once as Dramatiq has threads for it.

    It claims no runs once `stopping` is set, or while `draining` is; attempts under way continue.
    """

    def __init__(
        self,
        system: System,
        engine: Engine,
        leases: Leases,
        queue: str,
        stopping: threading.Event,
        *,
        draining: threading.Event | None = None,
    ) -> None:
        self._system = system
        self._engine = engine
        self._leases = leases
        self._queue = queue
        self._stopping = stopping
        self._draining = draining or threading.Event()
        self._retries = RowDecidedRetries(system)

    def declare(self, broker: dramatiq.Broker) -> None:
        """Make this the actor that answers rings on the given broker."""
        dramatiq.actor(
            broker=broker,
            actor_name=actor_of(self._queue),
            queue_name=self._queue,
            throws=(AttemptFailed,),
        )(self.execute_run)

    def execute_run(self, run_id: str, due_at: str | None = None) -> None:
        """Answer a ring: make its run due if it waits for its instant, then execute the most urgent run of the queue.

        Claims again after each run until nothing is claimable or a second has passed. Raises `AttemptFailed` if
        nothing could be claimed after an attempt that did not succeed, whose consequences are committed.
        """
        if due_at is not None:
            self._unless_stopping(lambda: self._arrive(UUID(run_id), datetime.fromisoformat(due_at)))
        until = self._system.clock.monotonic() + _CLAIM_FOR_SECONDS
        answer: ExchangeAnswer | None = ExchangeAnswer(asks_again=True)
        while answer is not None:
            if answer.work is not None:  # even if no more may be claimed: this one already is
                answer = self._execute(answer.work, until)
            elif answer.asks_again and self._takes_work():
                answer = self._unless_stopping(lambda: self._engine.exchange(self._queue))
            else:
                return

    def _arrive(self, run_id: UUID, due_at: datetime) -> None:
        """Handle a delayed ring: wait if it is at most a second early, else (or at shutdown) send it again."""
        early = dispatching.arrive(self._system, run_id, due_at)
        while 0 < early <= _EARLY_SECONDS and not self._stopping.wait(early):
            early = dispatching.arrive(self._system, run_id, due_at)
        if early > 0:
            self._system.doorbell.ring([Ring(run_id, self._queue, due_at)])

    def _execute(self, work: Work, until: float) -> ExchangeAnswer:
        work, span = attempt_spans.begin(self._system, work)
        with (
            structlog.contextvars.bound_contextvars(
                run_id=str(work.run_id), job_id=str(work.job_id), attempt=work.attempt, trace_id=work.trace_id
            ),
            self._leases.holding(work) as scope,
        ):
            log.debug("execution_started")
            result = self._perform(work, scope)
            attempt_spans.end(self._system, span, work, result)
            faults.reach(faults.EXECUTED)
            return self._hand_in(work, result, until)

    def _perform(self, work: Work, scope: AbortScope) -> Result:
        """Call the handler. Returns how the attempt ends, whatever happens."""
        if work.fault is not None:
            return Failed(TransientFailure(work.fault, was_called=False))
        try:
            return HANDLERS[self._queue](self._system, work, scope)
        except Aborted as stop:
            return stopped(work, stop.reason)
        except BaseException:
            log.exception("handler_broke")
            told = "Carillon could not do this: an internal error, which is logged."
            return Failed(TransientFailure(told, was_called=False))

    def _hand_in(self, work: Work, result: Result, until: float) -> ExchangeAnswer:
        """Record a result, and get the next work in the same exchange, unless the time to claim is over."""
        if result == Stopped(AbortReason.LEASE_LOST):
            log.warning("lease_lost", attempt=work.attempt)
            return ExchangeAnswer(asks_again=self._goes_on(until))
        kept = careful_recording.as_kept(result)
        kept_calls.prepare(self._system, work, kept)
        # Also when stopping: results are recorded until the grace period ends the process.
        answer = retry_while_unavailable(
            lambda: self._engine.exchange(self._queue, (work, kept), wants_work=self._goes_on(until))
        )
        faults.reach(faults.RECORDED)
        recorded = answer.recorded
        if recorded is None or recorded is NotRecorded.STALE_FENCE:
            events.emit("attempt.refused", attempt=work.attempt, fence=work.fence)
            return answer
        events.emit("attempt.recorded", attempt=work.attempt, status=recorded.status.value)
        if answer.work is None and not self._goes_on(until):
            self._leave_to_another(work)
        if isinstance(result, Failed):
            self._failed(AttemptFailed(work.run_id, self._queue, recorded.retry_at), answer)
        if recorded.status is RunStatus.QUEUED:
            self._system.doorbell.ring([Ring(work.run_id, self._queue)])
        return answer

    def _leave_to_another(self, work: Work) -> None:
        """Ring for another thread: this one stops claiming, although the queue may not be empty."""
        if not self._stopping.is_set():
            self._system.doorbell.ring([Ring(work.run_id, self._queue)])

    def _failed(self, failed: AttemptFailed, answer: ExchangeAnswer) -> None:
        """Schedule the retry: raise `failed` for the middleware or, if this thread continues, ring for it here."""
        if answer.work is None and not answer.asks_again:
            raise failed
        self._retries.back_off(failed)

    def _goes_on(self, until: float) -> bool:
        return self._takes_work() and self._system.clock.monotonic() < until

    def _takes_work(self) -> bool:
        return not self._stopping.is_set() and not self._draining.is_set()

    def _unless_stopping(self, action: Callable[[], Done]) -> Done | None:
        """Retry an action while the database is unavailable. Returns None if the process is told to stop meanwhile.

        The message stays unacknowledged, so it is delivered again if this process ends.
        """
        with contextlib.suppress(DatabaseUnavailable):
            return retry_while_unavailable(action, self._stopping.is_set)
        return None


def stopped(work: Work, reason: AbortReason) -> Result:
    """Returns how an attempt ends that is stopped: at its limit of time it fails."""
    if reason is AbortReason.TIME_LIMIT:
        return Failed(TransientFailure(f"It took longer than its limit of {work.time_limit_seconds:g} s."))
    return Stopped(reason)
