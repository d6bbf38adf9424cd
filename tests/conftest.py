"""Databases and brokers for tests: real servers, a database and a virtual host for each test process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
import pytest
import requests

from migrations import runner
from models import database
from models.tables import ALL, db
from tests.factories import GivenSystem, given_system

SQLITE, POSTGRESQL = "sqlite", "postgresql"

# Tests that let sessions wait for each other's locks do so on machines that are busy with other tests.
database._SESSION_LIMITS = database._SESSION_LIMITS.replace("lock_timeout=5000", "lock_timeout=9000")


@pytest.fixture(scope="session")
def postgresql_url(worker_id: str) -> Iterator[str]:
    """A database of this test process's own, dropped afterwards."""
    server = _needed("TEST_DATABASE_URL")
    name = f"carillon_test_{worker_id}"
    _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _execute(server, f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def rabbitmq_url(worker_id: str) -> Iterator[str]:
    """A virtual host of this test process's own, deleted afterwards."""
    server = urlsplit(_needed("TEST_RABBITMQ_URL"))
    management = _needed("TEST_RABBITMQ_MANAGEMENT_URL")
    vhost = f"carillon-test-{worker_id}"
    user = quote(server.username or "guest", safe="")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    _manage("DELETE", f"{management}/api/vhosts/{vhost}")
    _manage("PUT", f"{management}/api/vhosts/{vhost}", {}).raise_for_status()
    _manage("PUT", f"{management}/api/permissions/{vhost}/{user}", everything).raise_for_status()
    yield urlunsplit(server._replace(path=f"/{vhost}"))
    _manage("DELETE", f"{management}/api/vhosts/{vhost}")


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
    yield url
    database.disconnect()


def _needed(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        pytest.fail(f"{name} is not set: run these tests through ./test, which starts the servers.")
    return value


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _manage(method: str, url: str, body: object = None) -> requests.Response:
    return requests.request(method, url, json=body, timeout=10)
