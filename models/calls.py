"""Queries on what attempts' calls told of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from models.fields import read_json
from models.set_based import chunks
from models.tables import KeptCall


def insert(rows: Sequence[tuple[UUID, int, str]]) -> None:
    """Store calls: of each its run, the number of its attempt, and its JSON."""
    columns: Any = (KeptCall.run, KeptCall.number, KeptCall.call)
    for chunk in chunks(rows):
        KeptCall.insert_many(chunk, fields=columns).on_conflict_ignore().execute()


def of_run(run_id: UUID) -> dict[int, Any]:
    """Returns the calls of a run's attempts, by the numbers of these."""
    query: Any = KeptCall.select(KeptCall.number, KeptCall.call).where(KeptCall.run == run_id)
    return {number: read_json(call, "call") for number, call in query.tuples()}
