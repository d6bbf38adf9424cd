"""Wrong tokens from one address are refused, after so many, before the database is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.principals import LOCAL
from services.apps import apps
from services.execution.work import Deferred
from tests import statements
from tests.factories import GivenSystem, claim_one, first_run, given_system, record
from tests.integration.api.client import NO_JOB, Client
from tests.integration.api.people import SECRET, token_of
from tests.integration.api.reporting import report

LIMIT = 5

ENTRANCES: dict[str, Callable[[Client, str], Any]] = {
    "token": lambda client, secret: client.simulate_get("/api/me", headers={"Authorization": f"Token {secret}"}),
    "key": lambda client, secret: client.simulate_get("/api/me", headers={"Authorization": f"Bearer crl_{secret}"}),
    "secret": lambda client, secret: client.simulate_get("/api/me", headers={"X-Internal-Secret": f"crl_{secret}"}),
    "session": lambda client, secret: client.simulate_get("/api/me", headers={"Cookie": f"carillon_session={secret}"}),
    "report": lambda client, secret: client.simulate_post(
        f"/reports/{NO_JOB}/heartbeat", headers={"X-Carillon-Report-Token": secret}, json={}
    ),
    "spool": lambda client, secret: client.simulate_get(
        f"/internal/spool/{NO_JOB}", headers={"Authorization": f"Bearer {secret}"}
    ),
}


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=SECRET, requests_per_minute=LIMIT)


@pytest.mark.parametrize("entrance", ENTRANCES.values(), ids=ENTRANCES)
def test_after_so_many_wrong_ones_the_database_is_not_asked_any_more(
    client: Client, system: GivenSystem, entrance: Callable[[Client, str], Any]
) -> None:
    assert {entrance(client, f"wrong{number}").status_code for number in range(LIMIT)} <= {401, 404}
    with statements.noted() as asked:
        refused = entrance(client, "another")
    assert (refused.status_code, asked) == (429, [])
    assert int(refused.headers["Retry-After"]) > 0
    system.clock.advance(60)
    with statements.noted() as asked:
        assert entrance(client, "another").status_code in (401, 404)
    assert asked


def test_wrong_ones_are_counted_together_wherever_they_are_shown_but_each_address_by_itself(client: Client) -> None:
    for entrance in (*ENTRANCES.values(), ENTRANCES["token"]):
        refused = entrance(client, "wrong")
    assert refused.status_code == 429
    elsewhere = {"headers": {"Authorization": "Token wrong"}, "remote_addr": "198.51.100.7"}
    assert client.simulate_get("/api/me", **elsewhere).status_code == 401


def test_what_was_right_a_moment_ago_is_looked_up_whoever_guesses_beside_it(
    client: Client, system: GivenSystem
) -> None:
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    apps.ensure(LOCAL, system, "app_a")
    first_run(system)
    work = claim_one(system)
    record(system, work, Deferred())
    assert client.simulate_get("/api/me", headers=anna).status_code == 200
    assert report(client, work, "heartbeat").status_code == 200
    for number in range(LIMIT + 1):
        ENTRANCES["report"](client, f"wrong{number}")
    assert client.simulate_get("/api/me", headers=anna).status_code == 200
    assert report(client, work, "complete").status_code == 200
    assert client.simulate_get("/api/me", headers=berta).status_code == 429


def test_what_was_right_and_opens_nothing_any_more_is_counted_as_any_other(client: Client, system: GivenSystem) -> None:
    anna = token_of(client, "anna")
    assert client.simulate_post("/api/logout/", headers=anna).status_code in (200, 204)
    system.clock.advance(60)
    answers = [client.simulate_get("/api/me", headers=anna).status_code for _ in range(LIMIT + 1)]
    assert answers == [401] * LIMIT + [429]
