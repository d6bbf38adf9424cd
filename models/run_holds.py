"""Queries on the history of holds: what kept runs from the claim, from when to when, and which runs they waited for.

Code that changes `held_by` of runs must call these functions, in the same transaction. The exception is code that ends
held runs: the last hold of such a run stays open, and lasted until the run's end.

A transaction knows the time from before it waited for locks. The holds of a run follow each other all the same: none
ends before it begins, or begins before the one before it has ended.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import KEYED_HOLDS, Hold
from models import converting
from models.compiled import Compiled, placeholder
from models.database import is_sqlite
from models.tables import RunHold, db

MAX_OF_A_RUN = 100
"""How many holds are kept of each run, its first: two limits could pass one to and fro for days."""

MAX_HOLDERS = 5

_SHOWN: tuple[Any, ...] = (RunHold.held_by, RunHold.key, RunHold.since, RunHold.until, RunHold.holders)
_CONVERTERS = converting.of(_SHOWN)
_KEYED = ", ".join(f"'{one}'" for one in KEYED_HOLDS)

# The runs that block those held by a key are looked up once for each key: those with calls under way and, for a rate,
# those whose calls ended last.
_BEGIN = f"""
    WITH held AS (
        SELECT r.id, r.held_by, CASE WHEN r.held_by IN ({_KEYED}) THEN r.held_key END AS key,
            (SELECT COALESCE(MAX(former.number), 0) FROM run_holds former WHERE former.run_id = r.id) AS last,
            (SELECT MAX(former.until) FROM run_holds former WHERE former.run_id = r.id) AS last_until
        FROM runs r WHERE r.id {{of_these}} AND r.held_by IS NOT NULL
    ), keys AS (
        SELECT DISTINCT held_by, key FROM held WHERE key IS NOT NULL
    ), holders AS (
        SELECT k.held_by, k.key, (
            SELECT {{as_array}} FROM (
                SELECT going.run_id FROM (
                    SELECT run_id FROM uses WHERE key = k.key AND ended_at IS NULL LIMIT {MAX_HOLDERS}
                ) going
                UNION ALL
                SELECT ended.run_id FROM (
                    SELECT run_id FROM uses
                    WHERE key = k.key AND ended_at IS NOT NULL AND k.held_by = '{Hold.RATE_LIMIT}'
                    ORDER BY ended_at DESC LIMIT {MAX_HOLDERS}
                ) ended
                LIMIT {MAX_HOLDERS}
            ) one
        ) AS run_ids
        FROM keys k
    )
    INSERT INTO run_holds (run_id, number, held_by, key, since, holders)
    SELECT h.id, h.last + 1, h.held_by, h.key, {{later}}(now.at, COALESCE(h.last_until, now.at)), w.run_ids
    FROM (SELECT {{mark}} AS at) now, held h LEFT JOIN holders w ON w.held_by = h.held_by AND w.key = h.key
    WHERE h.last < {MAX_OF_A_RUN}
"""  # noqa: S608  words of our own
_END = "UPDATE run_holds SET until = {later}({mark}, since) WHERE until IS NULL AND run_id {of_these}"

_POSTGRESQL = {
    "of_these": "= ANY (%s::UUID[])",
    "as_array": "JSON_AGG(one.run_id)::TEXT",
    "mark": "%s",
    "later": "GREATEST",
}
_SQLITE = {
    "of_these": "IN (SELECT value FROM JSON_EACH(?))",
    "as_array": "JSON_GROUP_ARRAY(one.run_id)",
    "mark": "?",
    "later": "MAX",
}


@dataclass(frozen=True, slots=True)
class KeptHold:
    """A stored period in which a run was held."""

    held_by: Hold
    key: str | None
    since: datetime
    until: datetime | None
    holders: Any


def begin(run_ids: Collection[UUID], now: datetime) -> None:
    """Open a hold for each of these runs that is held now."""
    if run_ids:
        _execute(_BEGIN, _ids(run_ids), RunHold.since.db_value(now))


def begin_with(rows: Iterable[Mapping[str, Any]]) -> None:
    """Record the holds of those runs that were stored just now and are held."""
    held = [row for row in rows if row["held_by"] is not None]
    if held:
        begin([row["id"] for row in held], max(row["created_at"] for row in held))


def end(run_ids: Collection[UUID], now: datetime) -> None:
    """Close the open holds of these runs."""
    if run_ids:
        _execute(_END, RunHold.until.db_value(now), _ids(run_ids))


def release(run_ids: Collection[UUID], held_by: Hold | None, now: datetime) -> None:
    """Close the open holds of these runs; if something else holds them now, open a hold for it."""
    end(run_ids, now)
    if held_by is not None:
        begin(run_ids, now)


def change(run_ids: Collection[UUID], now: datetime) -> None:
    """Close the open holds of these runs, and open those that they have now."""
    end(run_ids, now)
    begin(run_ids, now)


def of_run(run_id: UUID) -> list[KeptHold]:
    """Returns the holds of a run, in order."""
    return [_hold(row) for row in _of_one_run(is_sqlite()).rows({"run_id": run_id})]


def of_runs(run_ids: Iterable[UUID]) -> dict[UUID, list[KeptHold]]:
    """Returns the holds of these runs, in order; a run without any is left out."""
    found: dict[UUID, list[KeptHold]] = {}
    run: Any = RunHold.run
    query: Any = RunHold.select(RunHold.run, *_SHOWN).where(RunHold.run.in_(list(run_ids)))
    for run_id, *row in Compiled.of(query.order_by(RunHold.run, RunHold.number)).rows({}):
        found.setdefault(run.python_value(run_id), []).append(_hold(row))
    return found


@functools.cache
def _of_one_run(_on_sqlite: bool) -> Compiled:
    query: Any = RunHold.select(*_SHOWN).where(RunHold.run == placeholder("run_id"))
    return Compiled.of(query.order_by(RunHold.number))


def _hold(row: Sequence[Any]) -> KeptHold:
    return KeptHold(*converting.values(_CONVERTERS, row))


def _execute(text: str, *parameters: Any) -> None:
    db.execute_sql(text.format(**(_SQLITE if is_sqlite() else _POSTGRESQL)), parameters)


def _ids(run_ids: Collection[UUID]) -> list[str] | str:
    found = [run_id.hex for run_id in run_ids]
    return json.dumps(found) if is_sqlite() else found
