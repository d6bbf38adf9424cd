"""Count rows of lists: exactly up to a limit, and beyond it as PostgreSQL's planner estimates.

Counting millions of rows takes seconds, and more with each month of history; nobody pages through them.
"""

from __future__ import annotations

from typing import Any

from models.database import is_sqlite
from models.tables import db

MAX_COUNTED = 100_000


def count(query: Any) -> int:
    """Returns how many rows a query has; more than the limit only as an estimate. SQLite has no planner to ask."""
    if is_sqlite():
        return int(query.count())
    found = int(query.limit(MAX_COUNTED + 1).count())
    return found if found <= MAX_COUNTED else max(found, _estimate(query))


def _estimate(query: Any) -> int:
    text, parameters = query.limit(None).sql()
    [(plan,)] = db.execute_sql(f"EXPLAIN (FORMAT JSON) {text}", parameters).fetchall()
    return int(plan[0]["Plan"]["Plan Rows"])
