"""One quota for each known caller, however many web processes there are."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from core.buckets import MINUTE_SECONDS, Bucket
from core.errors import DatabaseUnavailable
from models import database
from models.tables import RequestBucket
from services.access import shared_quotas
from services.access.known_keys import REMEMBERED_SECONDS
from services.access.request_quotas import Left
from services.access.shared_quotas import SLICE_SECONDS, SLICES, SharedQuotas
from tests import statements
from tests.commits import fail_at_commit
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, made_app, made_key
from tests.integration.api.client import Client, served
from tests.integration.api.people import HIDDEN, token_of

LIMIT = 100
SIZE = LIMIT // SLICES
ANNA, BERTA = uuid4(), uuid4()
SERVICES = {"rabbitmq_url": "amqp://127.0.0.1", "database_url": "postgresql://a/b"}


def asked(quotas: SharedQuotas, caller: UUID = ANNA, per_minute: int = LIMIT) -> Left:
    return quotas.at_hand(caller, per_minute) or quotas.take(caller, per_minute)


def let_in(processes: list[SharedQuotas], count: int, per_minute: int = LIMIT) -> int:
    """How many of so many requests are let in that come to the processes in turn."""
    return sum(
        asked(processes[number % len(processes)], per_minute=per_minute).requests >= 0 for number in range(count)
    )


@pytest.mark.parametrize("count", [1, 2, 7])
def test_so_many_are_let_in_whatever_the_number_of_processes(system: GivenSystem, count: int) -> None:
    processes = [SharedQuotas(system) for _ in range(count)]
    assert let_in(processes, 3 * LIMIT) == LIMIT
    system.clock.advance(6)
    assert let_in(processes, 3 * LIMIT) == LIMIT // 10


def test_each_caller_has_their_own(system: GivenSystem) -> None:
    quotas = SharedQuotas(system)
    assert let_in([quotas], LIMIT + 1) == LIMIT
    assert asked(quotas, BERTA).requests >= 0


def test_a_request_costs_a_query_only_where_a_slice_begins(system: GivenSystem) -> None:
    quotas = SharedQuotas(system)
    asked(quotas)
    with statements.noted() as made:
        assert let_in([quotas], SIZE - 1) == SIZE - 1
    assert made == []


def test_requests_that_come_at_once_use_one_slice(system: GivenSystem) -> None:
    quotas = SharedQuotas(system)
    together = threading.Barrier(SLICES + 5, timeout=60)

    def first(_: int) -> Left:
        assert quotas.at_hand(ANNA, 10_000) is None
        together.wait()
        return quotas.take(ANNA, 10_000)

    with ThreadPoolExecutor(together.parties) as pool:
        answers = list(pool.map(first, range(together.parties)))
    assert sorted(left.requests for left in answers) == list(range(10_000 - together.parties, 10_000))


def test_who_is_refused_is_refused_without_a_query_until_one_more_is_due(system: GivenSystem) -> None:
    quotas = SharedQuotas(system)
    let_in([quotas], LIMIT + 1)
    assert quotas.at_hand(ANNA, LIMIT) is not None
    system.clock.advance(0.6)
    assert quotas.at_hand(ANNA, LIMIT) is None
    assert asked(quotas).requests >= 0


def test_what_one_process_does_not_use_goes_back_when_its_time_is_over(system: GivenSystem) -> None:
    processes = [SharedQuotas(system) for _ in range(SLICES)]
    for _ in range(20):  # a request each ten seconds, to another process each time: far below the limit
        assert let_in(processes, len(processes)) == len(processes)
        system.clock.advance(2 * SLICE_SECONDS)


def test_what_cannot_be_given_back_while_the_database_is_away_is_given_back_later(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotas, others = SharedQuotas(system), SharedQuotas(system)
    asked(quotas)
    assert let_in([others], LIMIT) == LIMIT - SIZE
    system.clock.advance(SLICE_SECONDS)
    fail_at_commit(monkeypatch, after=False)
    with pytest.raises(DatabaseUnavailable):
        asked(quotas)
    filled_up = int(LIMIT * SLICE_SECONDS / MINUTE_SECONDS)
    assert let_in([quotas], LIMIT) == filled_up + SIZE - 1


def test_each_answer_tells_what_is_left_for_all(system: GivenSystem) -> None:
    quotas = SharedQuotas(system)
    assert [asked(quotas) for _ in range(2)] == [Left(LIMIT - 1, 1), Left(LIMIT - 2, 2)]
    let_in([quotas], LIMIT)
    assert asked(quotas) == Left(-1, 60)


def test_a_limit_of_one_lets_one_in(system: GivenSystem) -> None:
    processes = [SharedQuotas(system) for _ in range(2)]
    assert let_in(processes, 10, per_minute=1) == 1
    system.clock.advance(60)
    assert let_in(processes, 10, per_minute=1) == 1


def test_a_limit_that_is_raised_lets_more_in_at_once_and_one_that_is_lowered_fewer(system: GivenSystem) -> None:
    processes = [SharedQuotas(system) for _ in range(2)]
    assert let_in(processes, 10, per_minute=1) == 1
    system.clock.advance(1)
    assert let_in(processes, 1_000, per_minute=600) == 10, "a second of the new limit, without the wait of the former"
    assert let_in(processes, 10, per_minute=1) == 0


def test_buckets_of_the_silent_are_deleted(system: GivenSystem) -> None:
    asked(SharedQuotas(system))
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


def test_all_keys_of_an_app_share_its_quota_over_all_web_processes(store: str) -> None:
    system = given_system(**{**SETTINGS, "requests_per_minute": 1_000}, **SERVICES)
    webs = [Client(served(system)) for _ in range(2)]
    anna = token_of(webs[0], "anna")
    made_app(webs[0], anna, MINE)
    quota = webs[0].simulate_put(f"/api/apps/{MINE}/quotas", headers=HIDDEN, json={"requests_per_minute": 40})
    assert quota.json["quotas"]["requests_per_minute"] == 40
    keys = [made_key(webs[0], anna, MINE, "read") for _ in range(3)]
    answers = [webs[number % 2].simulate_get("/api/jobs", headers=keys[number % 3]) for number in range(50)]
    assert [one.status_code for one in answers] == [200] * 40 + [429] * 10
    refused = answers[-1]
    assert (refused.headers["Retry-After"], "all its keys together" in refused.json["detail"]) == ("2", True)
    assert refused.headers["RateLimit-Policy"] == '"minute";q=1000;w=60, "app";q=40;w=60'
    assert refused.headers["RateLimit"].endswith(', "app";r=0;t=60')
    assert webs[0].simulate_get("/api/jobs", headers=anna).status_code == 200, "people are counted by themselves"
    system.clock.advance(1.5)
    assert [webs[0].simulate_get("/api/jobs", headers=key).status_code for key in keys] == [200, 429, 429]


def test_the_quota_of_an_app_counts_where_callers_have_none_and_leaves_other_apps_alone(sqlite: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    made_app(client, anna, MINE)
    made_app(client, berta, THEIRS)
    mine, theirs = made_key(client, anna, MINE, "read"), made_key(client, berta, THEIRS, "read")
    assert "RateLimit" not in client.simulate_get("/api/jobs", headers=mine).headers
    client.simulate_put(f"/api/apps/{MINE}/quotas", headers=HIDDEN, json={"requests_per_minute": 2})
    system.clock.advance(REMEMBERED_SECONDS)
    answers = [client.simulate_get("/api/jobs", headers=mine) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"app";q=2;w=60'
    assert {client.simulate_get("/api/jobs", headers=theirs).status_code for _ in range(3)} == {200}


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    bucket = Bucket(LIMIT, 0.0, NOON)
    assert bucket.taken(5, NOON.replace(hour=11)) == (0, Bucket(LIMIT, 0.0, NOON))
