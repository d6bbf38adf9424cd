"""Two installations for all the examples: one process, then the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from tests.acceptance.conftest import QUICK
from tests.acceptance.examples.listener import Listener
from tests.acceptance.installation import SERVICES, Installation
from tests.servers import new_database, virtual_host


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
            environment["DATABASE_URL"] = stack.enter_context(new_database(f"carillon_examples_{uuid4().hex[:12]}"))
            environment["RABBITMQ_URL"] = stack.enter_context(virtual_host())
        yield stack.enter_context(Installation(tmp_path_factory.mktemp("carillon"), processes, environment))
