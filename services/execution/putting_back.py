"""Put back runs that a claim has taken, within its transaction: they are retried later, and nothing is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from models import claims, held_keys


def put_back(run_ids: Sequence[UUID], seconds: float, now: datetime) -> None:
    """Undo the claim of these runs, which are retried after so many seconds."""
    if run_ids:
        forget_uses(run_ids, now)
        claims.put_back(run_ids, now + timedelta(seconds=seconds))


def forget_uses(run_ids: Sequence[UUID], now: datetime) -> None:
    """Have no limit count these locked runs: they were claimed, but not called."""
    for key in sorted(claims.forget_uses(run_ids)):  # the claim has held others of the key, as if these were called
        held_keys.recheck_at(key, now)
