"""Renew the leases of a worker process together, and stop each attempt before its own lease runs out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from core.errors import AbortReason, DatabaseUnavailable
from services.execution import workers
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.runtime.abort_scope import AbortScope
from services.runtime.database_troubles import trouble_of, troubles
from services.system import System

_IDLE_SECONDS = 3600.0
_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.05
log = structlog.get_logger()


@dataclass
class _Held:
    work: Work
    scope: AbortScope
    renewed: float  # monotonic, from before the statement that renewed it was sent
    time_limit_at: float  # monotonic


class Leases:
    """The leases of this process's attempts, renewed by one thread and watched by another."""

    def __init__(
        self, system: System, worker: WorkerIdentity, hear_drain: Callable[[bool], None] = lambda _drains: None
    ) -> None:
        """`hear_drain` is called with every heartbeat, with whether this process is to take no more runs."""
        self._system = system
        self._hear_drain = hear_drain
        self._worker = worker
        self._held: dict[tuple[UUID, int], _Held] = {}  # by run and fence
        self._handing_back: AbortReason | None = None
        self._changed = threading.Condition()
        self._looks_at = 0.0  # monotonic; when the watchdog looks next
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._heartbeat, name="heartbeat", daemon=True),
            threading.Thread(target=self._watch, name="watchdog", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads that renew leases and stop attempts."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop both threads; the leases of attempts still held will run out."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    @contextmanager
    def holding(self, work: Work) -> Iterator[AbortScope]:
        """Hold an attempt's lease. Yields its scope, which is aborted on cancel, time limit, lost lease or shutdown."""
        scope = AbortScope(lambda: self._overdue_reason(held))
        limit = self._system.clock.monotonic() + work.time_limit_seconds
        held = _Held(work, scope, work.claimed_monotonic, limit)
        with self._changed:
            self._held[work.run_id, work.fence] = held
            if self._handing_back is not None:
                scope.abort(self._handing_back)
            if self._stop_of(held)[0] < self._looks_at:
                self._changed.notify_all()
        try:
            yield scope
        finally:
            with self._changed:
                del self._held[work.run_id, work.fence]

    def count(self) -> int:
        """Returns how many attempts are held."""
        return len(self._held)

    def wait_until_none(self, seconds: float) -> None:
        """Return once no attempt is held, or after the given number of seconds."""
        deadline = self._system.clock.monotonic() + seconds
        rest = threading.Event()  # polled: only a stopping process waits, so attempts need not pay for a notification
        while self._held and self._system.clock.monotonic() < deadline:
            rest.wait(_LOOK_SECONDS)

    def abort_all(self, reason: AbortReason) -> None:
        """Stop all attempts of this process, and every attempt that is claimed later."""
        with self._changed:
            self._handing_back = reason
        for held in self._snapshot():
            held.scope.abort(reason)

    def renew(self) -> None:
        """Renew all leases now; stop attempts whose run was cancelled or whose lease is lost."""
        held = self._snapshot()
        sent = self._system.clock.monotonic()
        newest = {one.work.run_id: one.work.fence for one in sorted(held, key=lambda one: one.work.fence)}
        renewed = workers.renew(self._system, self._worker, newest)
        still = renewed.runs
        for one in held:
            cancelled = still.get(one.work.run_id)
            is_newest = one.work.fence == newest[one.work.run_id]
            if is_newest and one.work.run_id in renewed.passed_over:
                continue  # the next heartbeat tries again, and the watchdog stops it before its lease runs out
            if cancelled is None or not is_newest:
                one.scope.abort(AbortReason.LEASE_LOST)
            elif cancelled:
                one.scope.abort(AbortReason.CANCELLED)
            else:
                one.renewed = sent  # no need to wake the watchdog: it wakes early, then checks again
        self._hear_drain(renewed.drains)

    def _heartbeat(self) -> None:
        while not self._stopped.wait(self._system.settings.heartbeat_seconds):
            try:
                self.renew()
                troubles.end("heartbeat")
            except DatabaseUnavailable as error:
                troubles.begin("heartbeat", trouble_of(error.fault), error)
            except Exception:  # without this thread every lease of the process would run out
                log.exception("heartbeat_fault")

    def _watch(self) -> None:
        """Stop attempts at their time limit, and before a lease that could not be renewed runs out."""
        while not self._stopped.is_set():
            with self._changed:
                overdue, wait_seconds = self._overdue()
                if not overdue:
                    self._looks_at = self._system.clock.monotonic() + wait_seconds
                    self._changed.wait(wait_seconds)
            for held, reason in overdue:
                held.scope.abort(reason)

    def _overdue(self) -> tuple[list[tuple[_Held, AbortReason]], float]:
        """Returns the attempts to stop now, and the seconds until the next is to be stopped."""
        now = self._system.clock.monotonic()
        stops = [(held, *self._stop_of(held)) for held in self._held.values() if held.scope.reason is None]
        overdue = [(held, reason) for held, stop_at, reason in stops if stop_at <= now]
        next_stop = min((stop_at for _, stop_at, _ in stops), default=now + _IDLE_SECONDS)
        return overdue, next_stop - now

    def _overdue_reason(self, held: _Held) -> AbortReason | None:
        """Returns why an attempt is to be stopped by now. A process that was frozen asks before the watchdog wakes."""
        stop_at, reason = self._stop_of(held)
        return reason if stop_at <= self._system.clock.monotonic() else None

    def _stop_of(self, held: _Held) -> tuple[float, AbortReason]:
        settings = self._system.settings
        give_up_at = held.renewed + settings.lease_seconds - settings.heartbeat_seconds
        return min((held.time_limit_at, AbortReason.TIME_LIMIT), (give_up_at, AbortReason.LEASE_LOST))

    def _snapshot(self) -> list[_Held]:
        with self._changed:
            return list(self._held.values())
