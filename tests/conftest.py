"""Databases and brokers for tests: real servers, a database for each test process, a virtual host for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg2
import pytest

from migrations import runner
from models import database
from models import postgresql as postgresql_database
from models.tables import ALL, db
from services.scheduling import timezones
from tests.factories import GivenSystem, given_system
from tests.servers import needed, virtual_host

# As every process does: tests read the zones that users get, not those of the machine.
timezones.pin()

# How long an example takes says how busy the machine is, and nothing about Carillon.
hypothesis.settings.register_profile("carillon", deadline=None)
hypothesis.settings.load_profile("carillon")

SQLITE, POSTGRESQL = "sqlite", "postgresql"

# Tests that let sessions wait for each other's locks do so on machines that are busy with other tests.
postgresql_database.TIME_OUTS.update(lock_timeout="13s", statement_timeout="14s")


@pytest.fixture(scope="session")
def postgresql_url(worker_id: str) -> Iterator[str]:
    """A database of this test process's own, dropped afterwards."""
    server = needed("TEST_DATABASE_URL")
    name = f"carillon_test_{worker_id}"
    _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _execute(server, f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def rabbitmq_url() -> Iterator[str]:
    """A virtual host of this test's own, deleted afterwards."""
    with virtual_host() as url:
        yield url


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with the newest schema, once of each kind; its URL."""
    if request.param == SQLITE:
        yield from _connected(f"sqlite:///{tmp_path / 'carillon.db'}")
    else:
        yield from _emptied(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[str]:
    """An empty PostgreSQL database with the newest schema; its URL."""
    yield from _emptied(postgresql_url)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[str]:
    """An empty SQLite database with the newest schema; its URL."""
    yield from _connected(f"sqlite:///{tmp_path / 'carillon.db'}")


@pytest.fixture
def system(store: str) -> GivenSystem:
    """A system on an empty database, its clock at noon."""
    return given_system()


def _connected(url: str) -> Iterator[str]:
    database.connect(url, "test")
    runner.upgrade()
    yield url
    database.disconnect()


def _emptied(url: str) -> Iterator[str]:
    database.connect(url, "test")
    runner.upgrade()
    names = ", ".join(table._meta.table_name for table in ALL)
    db.execute_sql(f"TRUNCATE {names} CASCADE")
    db.execute_sql("UPDATE installation SET paused_at = NULL, timezone_data = NULL")
    yield url
    database.disconnect()


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
