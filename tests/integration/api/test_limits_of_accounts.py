"""Limits of accounts beside the rate that holds for each of them, as the API shows them."""

from __future__ import annotations

from core.rates import Rate
from tests.factories import claim, given_system
from tests.integration.access.tenants import MINE, SETTINGS, made_app, made_job
from tests.integration.api.client import Client, served
from tests.integration.api.people import token_of


def test_an_account_that_waits_for_the_rate_of_all_is_listed(sqlite: str) -> None:
    system = given_system(**SETTINGS, account_rate=Rate(1, 60))
    client = Client(served(system))
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    for _ in range(2):
        made_job(client, anna, MINE, schedule={"type": "immediate"})
    claim(system)
    [shown] = client.simulate_get("/api/limits", headers=anna).json["results"]
    assert (shown["key"], shown["is_default"], shown["waiting"]) == (f"account:{MINE}/acc1", True, 1)


def test_the_rate_of_all_holds_for_an_account_that_has_a_weight_alone(sqlite: str) -> None:
    system = given_system(**SETTINGS, account_rate=Rate(1, 60))
    client = Client(served(system))
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    shown = client.simulate_put(f"/api/limits/account:{MINE}/acc1", headers=anna, json={"weight": 0.5}).json
    assert (shown["rate"], shown["is_default"], shown["room"]) == ({"calls": 1, "per_seconds": 60}, True, 1)
    for _ in range(2):
        made_job(client, anna, MINE, schedule={"type": "immediate"})
    assert len(claim(system)) == 1
