"""The addresses that an app's e-mails may come from: read by its members, set by administrators alone."""

from __future__ import annotations

import pytest

from core.scopes import Role
from tests.integration.access.tenants import MINE, Headers, joined, made_app
from tests.integration.api.client import Client, refusal
from tests.integration.api.people import HIDDEN

SENDERS = f"/api/apps/{MINE}/senders"


@pytest.fixture
def app(client: Client, anna: Headers) -> str:
    return made_app(client, anna, MINE)


def put(client: Client, who: Headers, *senders: str) -> int:
    return int(client.simulate_put(SENDERS, headers=who, json={"senders": list(senders)}).status_code)


def test_administrators_set_them_and_members_see_them(client: Client, app: str, anna: Headers, berta: Headers) -> None:
    assert client.simulate_get(SENDERS, headers=anna).json == {"senders": []}
    assert put(client, HIDDEN, "shop@Example.com", "@example.ORG", "shop@example.com") == 200
    viewer = joined(client, anna, app, "clara", Role.VIEWER)
    assert client.simulate_get(SENDERS, headers=viewer).json == {"senders": ["@example.org", "shop@example.com"]}
    assert put(client, anna, "anybody@example.com") == put(client, berta, "anybody@example.com") == 403
    assert client.simulate_get(SENDERS, headers=berta).status_code == 404
    assert put(client, HIDDEN) == 200
    assert client.simulate_get(SENDERS, headers=anna).json == {"senders": []}


def test_a_change_of_them_is_on_record(client: Client, app: str, anna: Headers) -> None:
    put(client, HIDDEN, "@example.com")
    put(client, HIDDEN, "@example.com")
    changes = client.simulate_get("/api/audit", headers=anna).json["results"]
    assert [one["after"] for one in changes if one["action"] == "app.changed"] == [{"senders": ["@example.com"]}]


@pytest.mark.parametrize("wrong", ["nobody", "@", "@-", "a@b@", "Shop <shop@example.com>", "@example.com\nX: y"])
def test_what_is_neither_address_nor_domain_is_refused(client: Client, app: str, wrong: str) -> None:
    result = client.simulate_put(SENDERS, headers=HIDDEN, json={"senders": [wrong]})
    assert set(refusal(result)) == {"senders.0"}


def test_an_app_that_is_not_there_has_none(client: Client) -> None:
    assert put(client, HIDDEN, "@example.com") == 404
