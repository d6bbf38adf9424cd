"""Faults of real databases are known by their names, and nothing has to be made anew once they are over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import pytest

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable
from models import database, signals
from models.tables import db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROLE = "carillon_few_connections"


def fault_met(step: Callable[[], object]) -> DatabaseFault:
    with pytest.raises(DatabaseUnavailable) as raised:
        step()
    return raised.value.fault


def mark() -> None:
    with database.transaction():
        signals.mark("tick", NOON)


@contextmanager
def raising(code: str) -> Iterator[None]:
    """Marks are refused in this block with a code of PostgreSQL's."""
    db.execute_sql(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'no room at /srv/postgresql' USING ERRCODE = '{code}'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        yield
    finally:
        db.execute_sql("DROP FUNCTION IF EXISTS refuse CASCADE")


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("53100", DatabaseFault.DISK_FULL),
        ("53200", DatabaseFault.OUT_OF_MEMORY),
        ("53300", DatabaseFault.TOO_MANY_CONNECTIONS),
        ("25006", DatabaseFault.READ_ONLY),
        ("57P03", DatabaseFault.RESTARTING),
        ("58030", DatabaseFault.DISK_FAULTY),
        ("53000", DatabaseFault.AWAY),
    ],
)
def test_an_error_of_postgresql_is_known_by_its_code(postgresql: str, code: str, fault: DatabaseFault) -> None:
    with raising(code):
        assert fault_met(mark) is fault
    mark()


def test_a_role_that_has_no_connection_left(postgresql: str) -> None:
    url = urlsplit(postgresql)
    db.execute_sql(f"CREATE ROLE {ROLE} LOGIN CONNECTION LIMIT 0 PASSWORD 'few'")
    try:
        database.connect(urlunsplit(url._replace(netloc=f"{ROLE}:few@{url.netloc.rpartition('@')[2]}")), "test")
        assert fault_met(mark) is DatabaseFault.TOO_MANY_CONNECTIONS
    finally:
        database.connect(postgresql, "test")
        db.execute_sql(f"DROP ROLE {ROLE}")


def test_a_statement_that_takes_too_long(postgresql: str) -> None:
    def wait() -> None:
        with database.transaction():
            db.execute_sql("SET LOCAL statement_timeout = 10; SELECT pg_sleep(60)")

    assert fault_met(wait) is DatabaseFault.TOO_SLOW


def fill() -> None:
    with database.transaction():
        db.execute_sql("CREATE TABLE filling (it)")
        db.execute_sql("INSERT INTO filling SELECT randomblob(9000000)")


@pytest.mark.parametrize(
    ("harm", "fault", "mended"),
    [
        ("max_page_count = 1", DatabaseFault.DISK_FULL, "max_page_count = 1000000"),
        ("query_only = 1", DatabaseFault.READ_ONLY, "query_only = 0"),
    ],
)
def test_an_error_of_sqlite_is_known_by_its_code(sqlite: str, harm: str, fault: DatabaseFault, mended: str) -> None:
    connection = db.connection()  # the one that is dropped at the fault would take the pragma with it
    db.execute_sql(f"PRAGMA {harm}")
    assert fault_met(fill) is fault
    assert connection is not None
    mark()
