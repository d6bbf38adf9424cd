"""So many requests a minute, for each user and each address."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import GivenSystem, given_system
from tests.integration.api.client import NO_JOB, Client, served
from tests.integration.api.people import SECRET, token_of

HIDDEN = {"X-Internal-Secret": SECRET}
LIMIT = 5


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=SECRET, requests_per_minute=LIMIT)


def statuses(client: Client, count: int = LIMIT + 1, path: str = "/api/jobs", **options: Any) -> list[int]:
    return [client.simulate_get(path, **options).status_code for _ in range(count)]


def test_one_request_too_many_is_told_when_to_come_back(client: Client) -> None:
    assert statuses(client) == [401] * LIMIT + [429]
    result = client.simulate_get("/api/jobs")
    assert (result.status_code, result.headers["Retry-After"]) == (429, "12")
    assert result.headers["RateLimit-Policy"] == '"minute";q=5;w=60'
    assert result.headers["RateLimit"] == '"minute";r=0;t=60'
    assert "REQUESTS_PER_MINUTE" in result.json["detail"]


def test_after_the_wait_one_is_let_in(client: Client, system: GivenSystem) -> None:
    statuses(client)
    system.clock.advance(int(client.simulate_get("/api/jobs").headers["Retry-After"]))
    assert statuses(client, 2) == [401, 429]


def test_each_answer_tells_how_many_are_left(client: Client) -> None:
    told = [client.simulate_get("/api/jobs").headers["RateLimit"] for _ in range(2)]
    assert told == ['"minute";r=4;t=12', '"minute";r=3;t=24']


def test_a_user_is_counted_wherever_they_come_from_and_apart_from_their_address(client: Client) -> None:
    anna = token_of(client, "anna")
    places = [f"198.51.100.{number}" for number in range(LIMIT + 1)]
    answers = [client.simulate_get("/api/jobs", headers=anna, remote_addr=place).status_code for place in places]
    assert answers == [200] * LIMIT + [429]
    assert client.simulate_get("/api/jobs", remote_addr=places[0]).status_code == 401


def test_each_address_is_counted_by_itself(client: Client) -> None:
    assert statuses(client, remote_addr="198.51.100.1")[-1] == 429
    assert statuses(client, 1, remote_addr="198.51.100.2") == [401]


def test_the_addresses_of_one_ipv6_network_are_counted_as_one(client: Client) -> None:
    for number in range(LIMIT):
        assert statuses(client, 1, remote_addr=f"2001:db8:1:2::{number}") == [401]
    assert statuses(client, 1, remote_addr="2001:db8:1:2:ffff::1") == [429]
    assert statuses(client, 1, remote_addr="2001:db8:1:3::1") == [401]


def test_who_guesses_tokens_is_counted(client: Client) -> None:
    answers = [
        client.simulate_get("/api/jobs", headers={"Authorization": f"Token {number}"}).status_code
        for number in range(LIMIT + 1)
    ]
    assert answers == [401] * LIMIT + [429]


def test_who_shows_the_secret_is_not_counted_and_who_shows_a_wrong_one_is(client: Client) -> None:
    assert statuses(client, 3 * LIMIT, headers=HIDDEN) == [200] * 3 * LIMIT
    assert statuses(client, headers={"X-Internal-Secret": "wrong"})[-1] == 429


def test_health_and_reports_are_never_refused(client: Client) -> None:
    statuses(client)
    for path in ("/healthz", "/readyz", "/healthz/"):
        result = client.simulate_get(path)
        assert result.status_code != 429
        assert "RateLimit" not in result.headers
    assert client.simulate_post(f"/reports/{NO_JOB}/heartbeat", json={}).status_code == 401


@pytest.mark.parametrize("path", ["/reports/x/y", f"/reports/{NO_JOB}/none", "/internal/x"])
def test_paths_that_only_begin_as_those_that_are_not_counted_do_are_counted(client: Client, path: str) -> None:
    assert statuses(client, path=path, headers=token_of(client, "anna")) == [404] * LIMIT + [429]


@pytest.mark.parametrize("settings", [{}, {"internal_secret": SECRET, "requests_per_minute": 0}])
def test_without_a_limit_nothing_is_counted(sqlite: str, settings: dict[str, Any]) -> None:
    client = Client(served(given_system(**settings)))
    assert "RateLimit" not in client.simulate_get("/api/jobs").headers


def test_without_a_secret_a_limit_that_is_set_counts(sqlite: str) -> None:
    client = Client(served(given_system(requests_per_minute=LIMIT)))
    assert statuses(client) == [200] * LIMIT + [429]
