"""A user may make so many apps, whoever owns them later."""

from __future__ import annotations

import pytest

from core.errors import Conflict
from core.principals import Principal, PrincipalKind
from core.scopes import Role
from models import database, users
from services.apps import apps
from services.apps.app_views import AppDefinition
from tests.factories import GivenSystem, given_system, in_threads
from tests.integration.access.tenants import SETTINGS, Headers, made_app
from tests.integration.api.client import Client, served
from tests.integration.api.people import HIDDEN, token_of


@pytest.fixture
def two_each(store: str) -> GivenSystem:
    return given_system(**SETTINGS, apps_per_user=2)


@pytest.fixture
def client(two_each: GivenSystem) -> Client:
    return Client(served(two_each))


def made(client: Client, who: Headers, name: str) -> int:
    return client.simulate_post("/api/apps", headers=who, json={"name": name}).status_code


def test_one_more_is_refused_with_the_rule_and_the_remedy(client: Client) -> None:
    anna = token_of(client, "anna")
    assert [made(client, anna, name) for name in ("a", "b", "c")] == [201, 201, 409]
    answer = client.simulate_post("/api/apps", headers=anna, json={"name": "c"})
    assert answer.json["detail"] == (
        "You have made 2 apps, as many as APPS_PER_USER=2 allows each user; delete one that is no longer used, or ask "
        "an administrator to make it."
    )
    assert client.simulate_get("/api/apps/c", headers=HIDDEN).status_code == 404


def test_each_user_has_their_own_and_a_deleted_app_makes_room(client: Client) -> None:
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    assert [made(client, anna, name) for name in ("a", "b")] == [201, 201]
    assert made(client, berta, "c") == 201
    assert client.simulate_delete("/api/apps/a", headers=anna).status_code == 204
    assert [made(client, anna, name) for name in ("d", "e")] == [201, 409]


def test_an_app_that_is_given_away_makes_no_room_and_takes_none(client: Client) -> None:
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    for name in ("a", "b"):
        made_app(client, anna, name)
        client.simulate_put(f"/api/apps/{name}/members/berta", headers=anna, json={"role": Role.OWNER.value})
        assert client.simulate_delete(f"/api/apps/{name}/members/anna", headers=anna).status_code == 204
    assert made(client, anna, "c") == 409
    assert [made(client, berta, name) for name in ("c", "d")] == [201, 201]


def test_administrators_make_any_number(client: Client) -> None:
    assert [made(client, HIDDEN, name) for name in "abcd"] == [201] * 4


def test_any_number_may_be_allowed(store: str) -> None:
    client = Client(served(given_system(**SETTINGS, apps_per_user=0)))
    anna = token_of(client, "anna")
    assert [made(client, anna, f"app {number}") for number in range(3)] == [201] * 3


def test_many_that_are_made_at_once_are_not_too_many(client: Client, two_each: GivenSystem) -> None:
    token_of(client, "anna")
    with database.reading():
        user = users.by_username("anna")
    assert user is not None
    anna = Principal(PrincipalKind.USER, user.id, user.username)

    def is_refused(number: int) -> bool:
        try:
            apps.create(anna, two_each, f"app {number}", AppDefinition())
        except Conflict:
            return True
        return False

    assert sorted(in_threads(6, is_refused)) == [False, False, True, True, True, True]
