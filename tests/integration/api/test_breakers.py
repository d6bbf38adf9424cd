"""Open breakers over HTTP: shown to whom the app is shown, closed by whom it lets operate, on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.scopes import Role
from models import database
from models.tables import App, Breaker
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers, joined, made_app, made_key
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.people import HIDDEN, token_of

KEY = f"destination:{MINE}/api.example.com"
PATH = f"/api/breakers/{KEY}"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system))


@pytest.fixture
def anna(client: Client) -> Headers:
    """The owner of an app whose calls to one host fail."""
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    probe_at = NOON + timedelta(seconds=30)
    with database.transaction():
        mine = App.get(App.name == MINE)
        row = {"key": KEY, "app_id": mine.id, "host": "api.example.com", "places": 0, "wait_seconds": 30}
        Breaker.insert({**row, "probe_at": probe_at, "opened_at": NOON}).execute()
    return anna


def test_an_open_breaker_is_shown_to_members_and_operators_alone(client: Client, anna: Headers) -> None:
    berta = token_of(client, "berta")
    made_app(client, berta, THEIRS)
    for who in (anna, joined(client, anna, MINE, "vera", Role.VIEWER), HIDDEN):
        assert client.simulate_get("/api/breakers", headers=who).json == {
            "results": [
                {
                    "key": KEY,
                    "app_name": MINE,
                    "host": "api.example.com",
                    "opened_at": "2026-11-20T12:00:00Z",
                    "places": 0,
                    "probe_at": "2026-11-20T12:00:30Z",
                    "waiting": 0,
                }
            ]
        }
    assert client.simulate_get("/api/breakers", headers=berta).json == {"results": []}


def test_a_key_for_one_account_learns_of_none(client: Client, anna: Headers) -> None:
    key = made_key(client, anna, MINE, "read", "operate", account_id="acc1")
    assert client.simulate_get("/api/breakers", headers=key).json == {"results": []}
    assert client.simulate_delete(PATH, headers=key).status_code == 404


def test_it_is_closed_by_those_who_operate_the_app_and_is_on_record(client: Client, anna: Headers) -> None:
    berta = token_of(client, "berta")
    viewer = joined(client, anna, MINE, "vera", Role.VIEWER)
    operator = joined(client, anna, MINE, "otto", Role.OPERATOR)
    assert [client.simulate_delete(PATH, headers=who).status_code for who in (berta, viewer)] == [404, 403]
    closed = client.simulate_delete(PATH, headers=operator, params={"reason": "mended"})
    assert closed.status_code == 204
    assert client.simulate_get("/api/breakers", headers=anna).json == {"results": []}
    assert client.simulate_delete(PATH, headers=operator).status_code == 404
    [entry] = client.simulate_get("/api/audit", headers=anna, params={"limit": "1"}).json["results"]
    assert (entry["action"], entry["thing_id"], entry["reason"]) == ("breaker.closed", KEY, "mended")


def test_an_app_says_whether_it_wants_breakers(client: Client, anna: Headers) -> None:
    path = f"/api/apps/{MINE}"
    assert client.simulate_get(path, headers=anna).json["destination_breaker"] is None
    patched = client.simulate_patch(path, headers=anna, json={"destination_breaker": True})
    assert (patched.status_code, patched.json["destination_breaker"]) == (200, True)
    other = client.simulate_patch(path, headers=anna, json={"callback_base_url": "https://api.example.com"})
    assert other.json["destination_breaker"] is True
    assert set(refusal(client.simulate_patch(path, headers=anna, json={"destination_breaker": "often"}))) == {
        "destination_breaker"
    }
    shared = client.simulate_put("/api/apps/tasks", headers=HIDDEN, json={"destination_breaker": True})
    assert set(refusal(shared)) == {"destination_breaker"}, "any user could keep the others from a host"
