"""The beats that a coordinator has heard, kept until they are stored: an outage of the database loses none."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from core.processes import ProcessIdentity
from core.signs_of_life import BEAT
from models import database, processes, signals
from models.pauses import Gate
from services.system import System

log = structlog.get_logger()


class HeardBeats:
    """When the last beat was heard, and who has sent one; forgotten once the transaction that stores it is committed.

    One thread stores while another hears.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._at: datetime | None = None
        self._senders: dict[UUID, tuple[ProcessIdentity, datetime]] = {}

    def hear(self) -> None:
        """Note that a beat came now."""
        with self._lock:
            self._at = self._system.clock.now()

    def hear_sender(self, identity: Any) -> None:
        """Note who sent a beat now: a process without a database, which identifies itself in its message."""
        sender = ProcessIdentity.read(identity)
        if sender is not None:
            with self._lock:
                self._senders[sender.id] = sender, self._system.clock.now()

    def store(self) -> None:
        """Store what was heard since the last time. Raises `DatabaseUnavailable`; then it is kept for the next time."""
        with self._lock:
            at, senders = self._at, dict(self._senders)
        if at is None and not senders:
            return
        with self._system.transaction(Gate.UNUSED) as unit:
            if at is not None:
                signals.mark(BEAT, unit.now, at)
            for sender, seen_at in senders.values():
                # What a message says may not fit into the table, and the beat counts all the same.
                error = database.attempt(partial(processes.see, sender, unit.now, seen_at))
                if error is not None:
                    log.error("sender_of_beats_not_stored", id=str(sender.id), error=str(error))
        self._forget(at, senders)

    def _forget(self, at: datetime | None, senders: dict[UUID, tuple[ProcessIdentity, datetime]]) -> None:
        """Forget what is stored by now, but not what was heard meanwhile."""
        with self._lock:
            self._at = None if self._at == at else self._at
            self._senders = {sent_by: one for sent_by, one in self._senders.items() if senders.get(sent_by) != one}
