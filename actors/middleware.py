"""Retry and back off as the run's row says.

Dramatiq's `Retries` is not installed, since only the run's row decides about retries. The actor commits that decision
before it raises `AttemptFailed`; this middleware only sends the ring for it. An actor that has claimed its next run
already calls `back_off` instead, and goes on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.middleware import Middleware

from core.errors import CarillonError
from services.messaging.doorbell import Ring
from services.system import System


class AttemptFailed(CarillonError):  # noqa: N818  says what happened
    """An attempt did not succeed; its consequences are committed. `retry_at` is None if there is no retry."""

    def __init__(self, run_id: UUID, queue: str, retry_at: datetime | None) -> None:
        super().__init__(f"The attempt at run {run_id} did not succeed.")
        self.run_id = run_id
        self.queue = queue
        self.retry_at = retry_at


class RowDecidedRetries(Middleware):
    """Sends a delayed ring for a run that is retried within the window; the coordinator rings for later ones."""

    def __init__(self, system: System) -> None:
        self._system = system

    @property
    def actor_options(self) -> set[str]:
        """`throws` names the exceptions that an actor raises on purpose, so that they are not logged as faults."""
        return {"throws"}

    def after_process_message(
        self,
        _broker: dramatiq.Broker,
        _message: Any,
        *,
        result: Any = None,  # noqa: ARG002  Dramatiq's signature
        exception: BaseException | None = None,
    ) -> None:
        if isinstance(exception, AttemptFailed):
            self.back_off(exception)

    def back_off(self, failed: AttemptFailed) -> None:
        """Ring for the retry, if there is one within the window."""
        window = timedelta(seconds=self._system.settings.window_seconds)
        if failed.retry_at is not None and failed.retry_at <= self._system.clock.now() + window:
            self._system.doorbell.ring([Ring(failed.run_id, failed.queue, failed.retry_at)])
