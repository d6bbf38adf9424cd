"""Installations for acceptance tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.acceptance.installation import Installation
from tests.acceptance.journal import Journal
from tests.lengths import JOBS

THREADS = 8  # of each worker: that many calls are lost when one is killed with its hands full
# Short leases, so that a test sees a rescue within seconds.
QUICK = {
    "WORKER_THREADS": str(THREADS),
    "LEASE_SECONDS": "3",
    "HEARTBEAT_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
    "SHUTDOWN_GRACE_SECONDS": "5",
    "ACCOUNT_RATE": "off",
    "SECRET_KEYS": Fernet.generate_key().decode(),
}
# After so many executions a worker dies. All of them and the few that are repeated make two deaths at most, so no run
# is lost three times; and one of two workers executes half of them, which makes one death at least.
FATAL = (JOBS + 2 * THREADS) // 3 + 1
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
