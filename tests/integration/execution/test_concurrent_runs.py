"""The limit on how many runs go at once in the whole installation."""

from __future__ import annotations

import pytest

from core.errors import AbortReason
from core.principals import LOCAL
from services.execution import claiming, limits, workers
from services.execution.work import Stopped
from services.jobs import creating
from services.messaging import broker as brokers
from tests.factories import (
    GivenSystem,
    claim,
    given_system,
    in_threads,
    new_job,
    record,
    succeeded,
)
from tests.integration.execution.accounts import create


@pytest.fixture
def three_at_once(store: str) -> GivenSystem:
    """A system that runs three at once at most."""
    return given_system(max_concurrent_runs=3)


def test_no_more_run_at_once_than_allowed_whatever_their_queue(three_at_once: GivenSystem) -> None:
    create(three_at_once, 5)
    email = new_job(task_type="send_email", data={"recipient": "a@example.com", "subject": "s", "body": "b"})
    creating.create(LOCAL, three_at_once, email)
    worker = workers.register(three_at_once)
    assert len(claiming.claim(three_at_once, worker, brokers.RUNS_EMAIL, 1)) == 1
    assert len(claim(three_at_once)) == 2
    assert claim(three_at_once) == []


def test_when_one_ends_another_is_rung_for_and_starts(three_at_once: GivenSystem) -> None:
    create(three_at_once, 5)
    first, *_ = claim(three_at_once)
    three_at_once.doorbell.heard()
    record(three_at_once, first, succeeded())
    assert len(three_at_once.doorbell.heard()) == 1
    assert len(claim(three_at_once)) == 1


def test_one_that_is_handed_back_gives_its_place_free(three_at_once: GivenSystem) -> None:
    create(three_at_once, 3)
    first, *_ = claim(three_at_once)
    record(three_at_once, first, Stopped(AbortReason.SHUTDOWN))
    assert len(claim(three_at_once)) == 1


def test_the_queues_get_no_more_rings_than_may_start(three_at_once: GivenSystem) -> None:
    create(three_at_once, 50)
    assert limits.most_rings(three_at_once) == 3
    claim(three_at_once, 2)
    assert limits.most_rings(three_at_once) == 1


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_many_who_claim_at_once_never_run_one_too_many(store: str) -> None:
    system = given_system(max_concurrent_runs=7)
    create(system, 60)
    claimed = in_threads(8, lambda _number: claiming.claim(system, workers.register(system), brokers.RUNS_HTTP, 5))
    assert sum(map(len, claimed)) == 7
