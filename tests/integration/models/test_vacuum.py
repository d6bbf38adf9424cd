"""What claims pass over is removed often, however many runs are kept."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest

from core import schedules
from models.tables import db
from tests.factories import create_jobs, given_system, new_job

_OPTIONS = "SELECT reloptions FROM pg_class WHERE oid = %s::regclass"
_PAGES = "SELECT pg_relation_size('runs') / current_setting('block_size')::int"
MANY_PAGES = 100  # with one dead row in more pages, less than two percent have any: by default indexes stay as they are
_BATCH = 1_000


@pytest.mark.parametrize("table", ["jobs", "runs"])
def test_a_vacuum_begins_after_a_number_of_changes_however_many_rows_there_are(postgresql: str, table: str) -> None:
    [(options,)] = db.execute_sql(_OPTIONS, (table,)).fetchall()
    assert {"autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=40000"} <= set(options)


def test_a_vacuum_cleans_the_indexes_though_few_pages_have_dead_rows(postgresql: str) -> None:
    system = given_system()
    while db.execute_sql(_PAGES).fetchone()[0] <= MANY_PAGES:
        create_jobs(system, [new_job(schedules.Immediate())] * _BATCH, all_or_none=True)
    _vacuumed(postgresql)  # of what the tests before have left
    db.execute_sql("DELETE FROM runs WHERE id = (SELECT max(id::text)::uuid FROM runs)")
    said = "".join(_vacuumed(postgresql))
    assert "index scan needed" in said, said


def _vacuumed(url: str) -> list[str]:
    """Vacuum the runs. Returns what PostgreSQL says of it."""
    connection: Any = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (VERBOSE) runs")
    connection.close()
    notices: list[str] = connection.notices
    return notices
