"""The query for the parties that wait for a worker, however much waits: it jumps from party to party in an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple

from core import built_in_apps
from core.filters import JobFilter
from core.priority import HIGHEST_PRIORITY
from models import filtering
from models.tables import App, Job, Run, db

_OF_PLACE = (
    "FROM runs r WHERE r.status = 'queued' AND r.held_by IS NULL AND r.queue = p.queue AND r.priority = p.priority"
)
_OF_PARTY = f"{_OF_PLACE} AND r.party = p.party"
_IN_ORDER = "ORDER BY (r.deadline_at IS NULL), r.deadline_at, r.due_at, r.id LIMIT"  # as in the index `runs_to_claim`
_PARTIES = f"""
    WITH RECURSIVE places (queue, priority) AS (VALUES PLACES),
    parties (queue, priority, party) AS (
        SELECT p.queue, p.priority, (SELECT MIN(r.party) {_OF_PLACE}) FROM places p
        UNION ALL
        SELECT p.queue, p.priority, (SELECT MIN(r.party) {_OF_PLACE} AND r.party > p.party)
        FROM parties p WHERE p.party IS NOT NULL
    ),
    listed AS (SELECT queue, priority, party FROM parties WHERE party IS NOT NULL LIMIT ?)
    SELECT
        (SELECT r.id {_OF_PARTY} {_IN_ORDER} 1),
        (SELECT COUNT(*) FROM (SELECT r.id {_OF_PARTY} {_IN_ORDER} ?) AS counted),
        (SELECT MIN(first.due_at) FROM (SELECT r.due_at {_OF_PARTY} {_IN_ORDER} ?) AS first)
    FROM listed p
"""  # noqa: S608  words of our own


class WaitingParty(NamedTuple):
    """An account of an app and its runs, up to a limit, that wait for a worker in one queue with one priority."""

    app_name: str
    account_id: str
    runs: int
    oldest_due_at: datetime


def some(queues: Sequence[str], wanted: JobFilter, most: int, most_of_each: int) -> list[WaitingParty]:
    """Returns those of the first `most` parties whose first run is of a matching job; a shared app is none of these."""
    places = list(product(queues, range(HIGHEST_PRIORITY + 1)))
    text = _PARTIES.replace("PLACES", ", ".join(["(?, ?)"] * len(places))).replace("?", db.param)
    values = [value for place in places for value in place]
    rows = db.execute_sql(text, [*values, most, most_of_each, most_of_each]).fetchall()
    found = {_as_in(Run.id, first): (runs, _as_in(Run.due_at, oldest)) for first, runs, oldest in rows}
    query: Any = Run.select(Run.id, App.name, Run.account_id).join(Job).join(App).where(Run.id.in_(list(found)))
    query = filtering.runs_of_jobs(query, wanted).where(App.name.not_in(sorted(built_in_apps.NAMES)))
    return [WaitingParty(app_name, account_id, *found[run_id]) for run_id, app_name, account_id in query.tuples()]


def _as_in(field: Any, value: Any) -> Any:
    """Returns a value as a field of the table has it."""
    return field.python_value(value)
