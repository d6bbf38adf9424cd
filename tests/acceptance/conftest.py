"""Installations for acceptance tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.acceptance.installation import Installation
from tests.acceptance.journal import Journal
from tests.acceptance.kept_services import KeptServices, kept_services
from tests.lengths import JOBS

THREADS = 8  # of each worker: that many calls are lost when one is killed with its hands full
# Short leases, so that a test sees a rescue within seconds, yet long enough for heartbeats that a busy machine delays.
# A call that a test holds ends when the test says, not at its time limit.
QUICK = {
    "WORKER_THREADS": str(THREADS),
    "LEASE_SECONDS": "6",
    "HEARTBEAT_SECONDS": "1",
    "CALLBACK_TIME_LIMIT_SECONDS": "600",
    "LOG_LEVEL": "WARNING",
    "SHUTDOWN_GRACE_SECONDS": "5",
    "ACCOUNT_RATE": "none",
    "SECRET_KEYS": Fernet.generate_key().decode(),
}
# After so many executions a worker dies. All of them and the few that are repeated make two deaths at most, so no run
# is lost three times; and one of two workers executes half of them, which makes one death at least.
FATAL = (JOBS + 2 * THREADS) // 3 + 1
# Once a second, so that a test sees a plan within seconds.
PLANNING_BY_ITSELF = {"BEAT_PATIENCE_SECONDS": "1", "PLAN_AHEAD_SECONDS": "60"}
SHARED = pytest.mark.xdist_group("services")


@pytest.fixture(scope="package")
def listening() -> Iterator[Journal]:
    """The receiver of all the tests."""
    with Journal() as journal:
        yield journal


@pytest.fixture
def journal(listening: Journal) -> Journal:
    """A receiver that writes down every call, and has none yet."""
    listening.forget()
    return listening


@pytest.fixture(scope="package")
def kept(tmp_path_factory: pytest.TempPathFactory, listening: Journal) -> Iterator[KeptServices]:
    """What `services` gives to one test after another."""
    with kept_services(tmp_path_factory.mktemp("kept"), QUICK | PLANNING_BY_ITSELF, listening.url) as services:
        yield services


@pytest.fixture
def services(kept: KeptServices, journal: Journal) -> Iterator[KeptServices]:
    """One web, two workers, a coordinator and periodiq, without a job, calling the journal.

    Tests that use it are of the group SHARED, or each test process would start services of its own. What a test has
    begun ends with it: the journal is that of other tests, too.
    """
    yield kept
    kept.empty()


@pytest.fixture
def embedded(tmp_path: Path, journal: Journal) -> Iterator[Installation]:
    """The embedded server, calling the journal."""
    with Installation(tmp_path, {"serve": 1}, {**QUICK, "CALLBACK_BASE_URL": journal.url}) as carillon:
        yield carillon
