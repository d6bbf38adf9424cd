"""Installations for acceptance tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation
from tests.acceptance.journal import Journal

# Short leases, so that a test sees a rescue within seconds.
QUICK = {
    "LEASE_SECONDS": "3",
    "HEARTBEAT_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
    "SHUTDOWN_GRACE_SECONDS": "5",
    "ACCOUNT_RATE": "off",
}
# How many jobs each crash and each outage meets; TEST_JOBS=2000 asks for the long run.
JOBS = int(os.environ.get("TEST_JOBS", "600"))
SERVICES = {"web": 1, "worker": 2, "coordinator": 1, "periodic": 1}


@pytest.fixture
def journal() -> Iterator[Journal]:
    """A receiver that writes down every call."""
    with Journal() as journal:
        yield journal


@pytest.fixture
def services(tmp_path: Path, postgresql: str, rabbitmq_url: str, journal: Journal) -> Iterator[Installation]:
    """One web, two workers, a coordinator and periodiq, on the shared servers, calling the journal."""
    environment = {
        **QUICK,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "CALLBACK_BASE_URL": journal.url,
    }
    with Installation(tmp_path, SERVICES, environment) as carillon:
        yield carillon


@pytest.fixture
def embedded(tmp_path: Path, journal: Journal) -> Iterator[Installation]:
    """The embedded server, calling the journal."""
    with Installation(tmp_path, {"serve": 1}, {**QUICK, "CALLBACK_BASE_URL": journal.url}) as carillon:
        yield carillon
