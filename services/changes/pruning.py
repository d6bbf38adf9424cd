"""Prune changes, which are kept for ten minutes."""

from __future__ import annotations

from models import change_rows
from models.pauses import Gate
from services.system import System

BATCH = 5_000


def prune(system: System) -> int:
    """Delete one batch of changes that are too old to be kept. Returns how many."""
    with system.transaction(Gate.UNUSED):
        return change_rows.prune(BATCH)
