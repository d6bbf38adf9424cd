"""Hot paths: functions for what each run costs, so that PostgreSQL plans them once and answers in one round trip.

A function is never changed: a later release adds one with the next number in its name, and drops this one when no
process of the former release can call it any more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

FUNCTIONS = ("pick_v1", "permits_v1", "start_v1", "lock_ended_v1", "end_v1")
FOLDER = Path(__file__).parent / "functions"

# A plan that was made while the queue was empty must still read the queue in the order of its index a million runs
# later: nothing here is ever better read as a whole, or sorted.
SETTINGS = """
    SET search_path = {schema}, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
"""


def up(_migrator: Any, database: Any) -> None:
    """Make the functions in the schema that the tables are in; SQLite has its statements in the models."""
    if isinstance(database, peewee.SqliteDatabase):
        return
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'runs'::regclass"
    ).fetchone()
    for name in FUNCTIONS:
        text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
        database.execute_sql(text.replace("{settings}", SETTINGS.format(schema=schema)))
