"""A worker, an attempt of its own, and its leases, whose threads are not started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.execution import workers
from services.execution.leases import Leases
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from tests.factories import (
    GivenSystem,
    claim_one,
    first_run,
)


@pytest.fixture
def worker(system: GivenSystem) -> WorkerIdentity:
    return workers.register(system)


@pytest.fixture
def leases(system: GivenSystem, worker: WorkerIdentity) -> Iterator[Leases]:
    """Leases whose threads a test starts when the clock is where it wants it."""
    made = Leases(system, worker)
    yield made
    if any(thread.is_alive() for thread in made._threads):
        made.stop()


@pytest.fixture
def work(system: GivenSystem, worker: WorkerIdentity) -> Work:
    """An attempt under way, begun at noon; its time limit is longer than its lease."""
    first_run(system, time_limit_seconds=600)
    return claim_one(system, worker)
