"""Queries on the calls of attempts: what was sent and answered."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from models import sized
from models.compiled import Compiled, placeholder
from models.database import is_sqlite
from models.fields import read_json
from models.set_based import chunks
from models.tables import KeptCall, db

_INSERT = """
    INSERT INTO calls (run_id, number, call)
    SELECT * FROM unnest(%s::uuid[], %s::integer[], %s::text[]) ON CONFLICT DO NOTHING
"""


def insert(rows: Sequence[tuple[UUID, int, str]]) -> None:
    """Store calls, each given by its run, the number of its attempt, and its JSON."""
    if not is_sqlite():
        run_ids, numbers, texts = zip(*rows, strict=True)
        db.execute_sql(_INSERT, ([str(one) for one in run_ids], list(numbers), list(texts)))
        return
    columns: Any = (KeptCall.run, KeptCall.number, KeptCall.call)
    for chunk in chunks(rows):
        KeptCall.insert_many(chunk, fields=columns).on_conflict_ignore().execute()


def of_run(run_id: UUID) -> dict[int, Any]:
    """Returns the calls of a run's attempts, by the numbers of these."""
    found = _of_one_run(is_sqlite()).rows({"run_id": run_id})
    return {number: read_json(call, "call") for number, call in found}


def newest_of_run(run_id: UUID) -> dict[int, Any]:
    """Returns the calls of a run's newest attempts, as `of_run`, as many as fit on a page."""
    of_it = KeptCall.run == run_id
    oldest = sized.oldest_that_fits(KeptCall.select().where(of_it), KeptCall.number, sized.octets(KeptCall.call))
    query: Any = KeptCall.select(KeptCall.number, KeptCall.call).where(of_it, KeptCall.number >= oldest)
    return {number: read_json(call, "call") for number, call in query.tuples()}


@functools.cache
def _of_one_run(_on_sqlite: bool) -> Compiled:
    return Compiled.of(KeptCall.select(KeptCall.number, KeptCall.call).where(KeptCall.run == placeholder("run_id")))


def of_runs(run_ids: Iterable[UUID]) -> dict[tuple[UUID, int], Any]:
    """Returns the calls of the attempts at these runs, by run and number."""
    query: Any = KeptCall.select(KeptCall.run, KeptCall.number, KeptCall.call).where(KeptCall.run.in_(list(run_ids)))
    return {(run_id, number): read_json(call, "call") for run_id, number, call in query.tuples()}
