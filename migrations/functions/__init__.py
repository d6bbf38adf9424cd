"""Makes the functions that PostgreSQL keeps for what each run and each create costs: planned once, one round trip.

A function is never changed (two exceptions: `end_v2`, decision 0041, and `pick_v2`, decision 0035): a later release
adds one with the next number in its name, and drops this one when no process of the former release can call it any
more. SQLite has its statements in the models.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

# A plan that was made while the queue was empty must still read the queue in the order of its index a million runs
# later: nothing here is ever better read as a whole, or sorted.
ON_LARGE_TABLES = """
    SET search_path = {schema}, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
"""
# What it reads of tables is looked up by key: no plan depends on how much is in them.
BY_KEYS = "SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan"
# It only calls functions that say how they are planned.
CALLING_OTHERS = "SET search_path = {schema}, pg_temp"


def make(database: Any, *names: str, settings: str) -> None:
    """Make these functions in the schema that the tables are in; nothing on SQLite."""
    if isinstance(database, peewee.SqliteDatabase):
        return
    schema = _schema(database)
    for name in names:
        text = (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
        database.execute_sql(text.replace("{settings}", settings.format(schema=schema)))


def drop(database: Any, *names: str) -> None:
    """Drop these functions, which no process calls any more; nothing on SQLite."""
    if isinstance(database, peewee.SqliteDatabase):
        return
    schema = _schema(database)
    for name in names:
        database.execute_sql(f"DROP FUNCTION {schema}.carillon_{name}")


def _schema(database: Any) -> str:
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'runs'::regclass"
    ).fetchone()
    return str(schema)
