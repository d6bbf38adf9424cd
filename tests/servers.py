"""What tests ask of the real servers that `./test` names in the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg2
import pytest
import requests

from models import statement_timeout
from tests.waiting import LONGEST


def needed(name: str) -> str:
    """The value of an environment variable that `./test` sets."""
    value = os.environ.get(name)
    if value is None:
        pytest.fail(f"{name} is not set: run these tests through ./test, which starts the servers.")
    return value


@contextmanager
def new_database(name: str) -> Iterator[str]:
    """The URL of an empty database of this name, dropped afterwards."""
    server = needed("TEST_DATABASE_URL")
    _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _execute(server, f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def virtual_host() -> Iterator[str]:
    """The URL of a new virtual host: no ring, and no figure on the pages, is left from the test before."""
    server = urlsplit(needed("TEST_RABBITMQ_URL"))
    management = needed("TEST_RABBITMQ_MANAGEMENT_URL")
    vhost = f"carillon-test-{uuid4().hex[:12]}"
    user = quote(server.username or "guest", safe="")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    _manage("PUT", f"{management}/api/vhosts/{vhost}", {}).raise_for_status()
    _manage("PUT", f"{management}/api/permissions/{vhost}/{user}", everything).raise_for_status()
    yield urlunsplit(server._replace(path=f"/{vhost}"))
    _manage("DELETE", f"{management}/api/vhosts/{vhost}")


def _manage(method: str, url: str, body: object = None) -> requests.Response:
    return requests.request(method, url, json=body, timeout=LONGEST)


def _execute(url: str, statement: str) -> None:
    with (
        statement_timeout.unlimited(),
        statement_timeout.connecting(LONGEST),
        closing(psycopg2.connect(url)) as connection,
        connection.cursor() as cursor,
    ):
        connection.autocommit = True
        cursor.execute(statement)
