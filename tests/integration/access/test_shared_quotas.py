"""One quota for each known caller, however many web processes there are."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from core.buckets import Bucket
from models import database
from models.tables import RequestBucket
from services.access import shared_quotas
from services.access.request_quotas import Left
from services.access.shared_quotas import SLICE_SECONDS, SLICES, SharedQuotas
from tests import statements
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.access.tenants import SETTINGS
from tests.integration.api.client import Client, served
from tests.integration.api.test_accounts import token_of

LIMIT = 100
SIZE = LIMIT // SLICES
ANNA, BERTA = uuid4(), uuid4()
SERVICES = {"rabbitmq_url": "amqp://127.0.0.1", "database_url": "postgresql://a/b"}


def asked(quotas: SharedQuotas, caller: UUID = ANNA) -> Left:
    return quotas.at_hand(caller) or quotas.take(caller)


def let_in(processes: list[SharedQuotas], count: int) -> int:
    """How many of so many requests are let in that come to the processes in turn."""
    return sum(asked(processes[number % len(processes)]).requests >= 0 for number in range(count))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_so_many_are_let_in_whatever_the_number_of_processes(system: GivenSystem, count: int) -> None:
    processes = [SharedQuotas(system, LIMIT) for _ in range(count)]
    assert let_in(processes, 3 * LIMIT) == LIMIT
    system.clock.advance(6)
    assert let_in(processes, 3 * LIMIT) == LIMIT // 10


def test_each_caller_has_their_own(system: GivenSystem) -> None:
    quotas = SharedQuotas(system, LIMIT)
    assert let_in([quotas], LIMIT + 1) == LIMIT
    assert asked(quotas, BERTA).requests >= 0


def test_a_request_costs_a_query_only_where_a_slice_begins(system: GivenSystem) -> None:
    quotas = SharedQuotas(system, LIMIT)
    asked(quotas)
    with statements.noted() as made:
        assert let_in([quotas], SIZE - 1) == SIZE - 1
    assert made == []


def test_who_is_refused_is_refused_without_a_query_until_one_more_is_due(system: GivenSystem) -> None:
    quotas = SharedQuotas(system, LIMIT)
    let_in([quotas], LIMIT + 1)
    assert quotas.at_hand(ANNA) is not None
    system.clock.advance(0.6)
    assert quotas.at_hand(ANNA) is None
    assert asked(quotas).requests >= 0


def test_what_one_process_does_not_use_goes_back_when_its_time_is_over(system: GivenSystem) -> None:
    processes = [SharedQuotas(system, LIMIT) for _ in range(SLICES)]
    for _ in range(20):  # a request each ten seconds, to another process each time: far below the limit
        assert let_in(processes, len(processes)) == len(processes)
        system.clock.advance(2 * SLICE_SECONDS)


def test_each_answer_tells_what_is_left_for_all(system: GivenSystem) -> None:
    quotas = SharedQuotas(system, LIMIT)
    assert [asked(quotas) for _ in range(2)] == [Left(LIMIT - 1, 1), Left(LIMIT - 2, 2)]
    let_in([quotas], LIMIT)
    assert asked(quotas) == Left(-1, 60)


def test_a_limit_of_one_lets_one_in(system: GivenSystem) -> None:
    processes = [SharedQuotas(system, 1) for _ in range(2)]
    assert let_in(processes, 10) == 1
    system.clock.advance(60)
    assert let_in(processes, 10) == 1


def test_buckets_of_the_silent_are_deleted(system: GivenSystem) -> None:
    asked(SharedQuotas(system, LIMIT))
    assert shared_quotas.prune(system) == 0
    system.clock.advance(601)
    assert shared_quotas.prune(system) == 1
    with database.reading():
        assert RequestBucket.select().count() == 0


def test_web_processes_of_the_services_share_the_quota_of_a_user(store: str) -> None:
    system = given_system(**{**SETTINGS, "requests_per_minute": 40}, **SERVICES)
    webs = [Client(served(system)) for _ in range(2)]
    anna = token_of(webs[0], "anna")
    answers = [webs[number % 2].simulate_get("/api/me", headers=anna) for number in range(50)]
    assert [one.status_code for one in answers].count(200) == 40
    assert answers[-1].headers["RateLimit-Policy"] == '"minute";q=40;w=60'
    assert webs[0].simulate_get("/api/me").status_code == 401, "an address is counted by itself"


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    bucket = Bucket(LIMIT, 0.0, NOON)
    assert bucket.taken(5, NOON.replace(hour=11)) == (0, Bucket(LIMIT, 0.0, NOON))
