"""The unit of work: one transaction that writes, its entries in the audit log, and the rings sent after its commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from core.auditing import Thing, recorded
from core.principals import Principal
from core.states import WAITING_FOR_INSTANT
from models import audit
from models.hot.due_rows import LockedRun
from models.tables import Run
from services.messaging.doorbell import Doorbell, Ring
from services.runtime.clock import Clock

RING_WITHIN = timedelta(seconds=2)
MAX_WOKEN = 64  # threads, as of two usual workers of 32; a ring costs as much as making its run due
log = structlog.get_logger()


class UnitOfWork:
    """Collects what a transaction causes besides its rows. `now` is the instant at which it began."""

    def __init__(self, clock: Clock, doorbell: Doorbell) -> None:
        self.now: datetime = clock.now()
        self._clock = clock
        self._doorbell = doorbell
        self._rings: list[tuple[Ring, timedelta]] = []
        self._audited: list[dict[str, Any]] = []

    def ring(self, runs: Iterable[Run | dict[str, Any]], within: timedelta = RING_WITHIN) -> None:
        """Ring, after the commit, for those of these runs that are due by then or within a span.

        There is no ring for held runs. Runs that are due later are left to the coordinator.
        """
        rows = [run if isinstance(run, dict) else run.__data__ for run in runs]
        self._rings += [(_ring(row), within) for row in rows if row["held_by"] is None]

    def ring_claimable(self, runs: Iterable[Run | LockedRun]) -> None:
        """Ring, after the commit, for runs that this transaction made claimable: at most `MAX_WOKEN` of each queue.

        A woken thread continues with the others, and the top-up wakes more threads within a second.
        """
        seen: Counter[str] = Counter()
        for run in runs:
            seen[run.queue] += 1
            if seen[run.queue] <= MAX_WOKEN:
                self._rings.append((Ring(run.id, run.queue), RING_WITHIN))

    def ring_at(self, run_id: UUID, queue: str, due_at: datetime, within: timedelta) -> None:
        """Ring, after the commit, for a run that is retried at an instant, if that lies within a span."""
        self._rings.append((Ring(run_id, queue, due_at), within))

    def audit(
        self,
        principal: Principal,
        action: str,
        thing: Thing,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> None:
        """Record, in this transaction, what a principal does to a thing, and why."""
        self._audited.append(
            {
                "at": self.now,
                "kind": principal.kind,
                "principal": principal.label,
                "caller_id": principal.caller_id,
                "credential": principal.credential,
                "address": principal.address,
                "request_id": principal.request_id,
                "action": action,
                "app_id": thing.app_id,
                "thing": thing.kind,
                "thing_id": thing.id,
                "before": recorded(before),
                "after": recorded(after),
                "reason": reason,
            }
        )

    def write(self) -> None:
        """Store what is recorded, at the end of the transaction."""
        if self._audited:
            audit.insert(self._audited)

    def send(self) -> None:
        """Send the collected rings, once the transaction is committed. Never raises."""
        try:
            now = self._clock.now()
            at_hand = [ring for ring, within in self._rings if ring.due_at is None or ring.due_at <= now + within]
            self._doorbell.ring(at_hand)
        except Exception:
            log.exception("ring_failed")  # the coordinator rings again


def _ring(row: dict[str, Any]) -> Ring:
    waits = row["status"] in WAITING_FOR_INSTANT
    return Ring(row["id"], row["queue"], row["due_at"] if waits else None)
