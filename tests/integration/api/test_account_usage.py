"""What accounts use, as callers of the API get it: figures, limits, what is wrong with a question, whose they are."""

from __future__ import annotations

import pytest

from core.rates import Rate
from core.scopes import Role
from tests.factories import GivenSystem, claim, given_system, record, refused
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, joined, made_app, made_job, made_key
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.people import HIDDEN, token_of

PATH = "/api/stats/accounts"
NOW = {"type": "immediate"}


def test_accounts_are_listed_with_what_they_used_what_waits_and_what_they_may(sqlite: str) -> None:
    system = given_system(account_rate=Rate(1, 60))
    client = Client(served(system))
    for _ in range(3):
        client.create(account_id="acme", schedule=NOW)
    [work] = claim(system)
    record(system, work, refused())
    assert client.simulate_get(PATH).json == {
        "counted_since": "2026-11-20T11:00:00Z",
        "runs_are_cut": False,
        "waiting_is_cut": False,
        "count": 1,
        "held_back": 1,
        "results": [
            {
                "app_name": "app_a",
                "account_id": "acme",
                "runs": 1,
                "failed": 1,
                "attempts": 1,
                "running": 0,
                "waiting": 2,
                "oldest_due_at": "2026-11-20T12:00:00Z",
                "held": [
                    {
                        "held_by": "rate_limit",
                        "held_key": "account:app_a/acme",
                        "held_until": "2026-11-20T12:01:00Z",
                        "count": 2,
                    }
                ],
                "limit": {
                    "key": "account:app_a/acme",
                    "concurrency": None,
                    "rate": {"calls": 1, "per_seconds": 60},
                    "expires_at": None,
                    "is_default": True,
                },
            }
        ],
    }


def test_accounts_are_ordered_filtered_and_cut(client: Client, system: GivenSystem) -> None:
    for account in ("one", "two", "two"):
        client.create(account_id=account, schedule=NOW)
    for work in claim(system):
        record(system, work, refused())
    client.create(account_id="three", schedule=NOW)
    shown = client.simulate_get(f"{PATH}?limit=1&minutes=1440").json
    assert ([one["account_id"] for one in shown["results"]], shown["count"]) == (["two"], 3)
    shown = client.simulate_get(f"{PATH}?ordering=-waiting").json
    assert shown["results"][0] | {"account_id": "three", "runs": 0, "waiting": 1, "held": []} == shown["results"][0]
    system.clock.advance(60)
    client.create(account_id="four", schedule=NOW)
    shown = client.simulate_get(f"{PATH}?ordering=-waited").json
    assert [one["account_id"] for one in shown["results"][:2]] == ["three", "four"]
    assert client.simulate_get(f"{PATH}?account_id=one&app_name=APP_A").json["count"] == 1
    assert client.simulate_get(f"{PATH}?app_name=none").json["results"] == []


@pytest.mark.parametrize(
    "query",
    ["minutes=0", "minutes=1441", "limit=0", "limit=101", "ordering=name", "account_id=", "page=2"],
)
def test_a_question_that_cannot_be_is_refused(client: Client, query: str) -> None:
    name, _, value = query.partition("=")
    assert set(refusal(client.simulate_get(PATH, params={name: value}))) == {name}


def test_tenants_see_the_accounts_of_their_apps_and_a_key_of_one_account_that_one(sqlite: str) -> None:
    client = Client(served(given_system(**SETTINGS)))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    made_app(client, anna, MINE)
    made_app(client, berta, THEIRS)
    for who, app, account in ((anna, MINE, "acc1"), (anna, MINE, "acc2"), (berta, THEIRS, "acc1")):
        made_job(client, who, app, account_id=account, schedule=NOW)
        client.simulate_put(f"/api/limits/account:{app}/{account}", headers=who, json={"concurrency": 1})
    mine, theirs = {(MINE, "acc1"), (MINE, "acc2")}, {(THEIRS, "acc1")}
    bound = made_key(client, anna, MINE, "read", account_id="acc2")
    for who, expected in (
        (anna, mine),
        (joined(client, anna, MINE, "clara", Role.VIEWER), mine),
        (made_key(client, anna, MINE, "read"), mine),
        (bound, {(MINE, "acc2")}),
        (berta, theirs),
        (token_of(client, "dora"), set()),
        (HIDDEN, mine | theirs),
    ):
        shown = client.simulate_get(PATH, headers=who).json
        assert {(one["app_name"], one["account_id"]) for one in shown["results"]} == expected
        assert all(one["limit"]["concurrency"] == 1 for one in shown["results"])
        assert shown["count"] == len(expected)
    assert client.simulate_get(f"{PATH}?account_id=acc1", headers=bound).json["results"] == []
    assert client.simulate_get(PATH, headers=made_key(client, anna, MINE, "operate")).status_code == 403
    assert client.simulate_get(PATH).status_code == 401
