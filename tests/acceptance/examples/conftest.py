"""Two installations for all the examples: one process, then the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing

import psycopg2
import pytest

from tests.acceptance.conftest import QUICK
from tests.acceptance.examples.listener import Listener
from tests.acceptance.installation import SERVICES, Installation
from tests.servers import virtual_host


@pytest.fixture(scope="package")
def listener() -> Iterator[Listener]:
    with closing(Listener()) as listener:
        yield listener


@pytest.fixture(scope="package", params=["embedded", "services"])
def carillon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, listener: Listener
) -> Iterator[Installation]:
    """One process, then the services; kept for all the examples, since every example is a job of its own."""
    environment = {**QUICK, "CALLBACK_BASE_URL": listener.url}
    processes: Mapping[str, int] = {"serve": 1}
    with ExitStack() as stack:
        if request.param == "services":
            processes = SERVICES
            environment["DATABASE_URL"] = _empty(request.getfixturevalue("postgresql_url"))
            environment["RABBITMQ_URL"] = stack.enter_context(virtual_host())
        yield stack.enter_context(Installation(tmp_path_factory.mktemp("carillon"), processes, environment))


def _empty(url: str) -> str:
    """The database without what former tests left; its URL."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return url
