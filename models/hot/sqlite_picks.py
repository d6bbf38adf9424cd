"""Pick the runs of a claim on SQLite, as the function `pick` does on PostgreSQL, by the rule of `core.fairness`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import fairness
from core.fairness import Waiting
from core.priority import HIGHEST_PRIORITY
from models.fields import sqlite_text
from models.tables import db

_CLAIMABLE = "queue = :queue AND status = 'queued' AND held_by IS NULL AND (NOT expire OR deadline_at >= :now)"
_HOLDING = "SELECT holding_since FROM installation WHERE id = 1"
_TOP = f"SELECT MAX(priority) FROM runs WHERE {_CLAIMABLE} AND priority < :below"  # noqa: S608  as all below, of ours
_OF_PRIORITY = f"FROM runs WHERE {_CLAIMABLE} AND priority = :priority"
_FIRST = f"SELECT MIN(party) {_OF_PRIORITY}"
_NEXT = f"{_FIRST} AND party > :party"
_STANDING = """
    SELECT (SELECT COUNT(*) FROM runs WHERE party = :party AND status = 'running' AND reports_until IS NULL),
        COALESCE((SELECT weight FROM limits WHERE key = :party AND (expires_at IS NULL OR expires_at > :now)), 1)
"""
_RUNS = f"""
    SELECT id {_OF_PRIORITY} AND party = :party
    ORDER BY (deadline_at IS NULL), deadline_at, due_at, id LIMIT :share OFFSET :taken
"""


@dataclass(frozen=True, slots=True)
class Pick:
    """A run that is picked, for its priority and its party."""

    run_id: str
    priority: int
    party: str


def pick(queue: str, room: int, now: datetime, after: Mapping[int, str]) -> list[Pick]:
    """Returns the most urgent claimable runs of a queue; parties share the runs of a priority.

    Returns no run while everything is being held after a restore.
    """
    if _value(_HOLDING, {}) is not None:
        return []
    of_queue = {"queue": queue, "now": sqlite_text(now)}
    picks: list[Pick] = []
    priority: int | None = HIGHEST_PRIORITY + 1
    while len(picks) < room:
        priority = _value(_TOP, {**of_queue, "below": priority})
        if priority is None:
            break
        picks += _of_priority({**of_queue, "priority": priority}, room - len(picks), after.get(priority, ""))
    return picks


def _of_priority(about: Mapping[str, Any], room: int, after: str) -> list[Pick]:
    """Returns runs of a priority, the most urgent of each party; slots that a party does not use go to the others."""
    taken = Counter[str]()
    spent: set[str] = set()
    picks: list[Pick] = []
    while len(picks) < room:
        slots = room - len(picks)
        shares = fairness.shares([_waiting(about, party, taken) for party in _walk(about, after, spent, slots)], slots)
        if not shares:
            break
        for party, share in shares.items():
            wanted = {**about, "party": party, "share": share, "taken": taken[party]}
            found = [Pick(run_id, about["priority"], party) for (run_id,) in _rows(_RUNS, wanted)]
            picks += found
            taken[party] += len(found)
            if len(found) < share:
                spent.add(party)
    return picks


def _walk(about: Mapping[str, Any], after: str, spent: set[str], slots: int) -> list[str]:
    """Returns the next parties with claimable runs after this one, cyclically, at most twice as many as slots."""
    walked: list[str] = []
    for party in _around(about, after):
        if party not in spent:
            walked.append(party)
        if len(walked) == 2 * slots:
            break
    return walked


def _around(about: Mapping[str, Any], after: str) -> Iterator[str]:
    party = _value(_NEXT, {**about, "party": after})
    while party is not None:
        yield party
        party = _value(_NEXT, {**about, "party": party})
    party = _value(_FIRST, about)
    while party is not None and party <= after:
        yield party
        party = _value(_NEXT, {**about, "party": party})


def _waiting(about: Mapping[str, Any], party: str, taken: Counter[str]) -> Waiting:
    [(in_flight, weight)] = _rows(_STANDING, {**about, "party": party})
    return Waiting(party, in_flight + taken[party], weight)


def _value(text: str, parameters: Mapping[str, Any]) -> Any:
    [(value,)] = _rows(text, parameters)
    return value


def _rows(text: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = db.execute_sql(text, parameters).fetchall()
    return found
