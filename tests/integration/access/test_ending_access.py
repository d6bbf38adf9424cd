"""What administrators end at once: the tokens, sessions and links of a user, and their administration."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.access.own_tokens import bearer, made
from tests.integration.access.people import me
from tests.integration.access.tenants import MINE, Headers, made_app
from tests.integration.api.client import Client
from tests.integration.api.people import HIDDEN, PASSWORD, session_of


@pytest.fixture
def clara(client: Client) -> Headers:
    """A session of an administrator whom no setting names."""
    invited = client.simulate_post("/api/invitations", headers=HIDDEN, json={"administrator": True}).json["link"]
    token = invited.partition("?invitation=")[2]
    account = {"username": "clara", "password": PASSWORD, "email": "clara@example.com", "invitation": token}
    assert client.simulate_post("/api/register", json=account).status_code == 201
    login = client.simulate_post("/api/login", json={"username": "clara", "password": PASSWORD}).json["token"]
    return {"Authorization": f"Bearer {login}"}


def end(client: Client, who: Headers, username: str = "clara") -> Any:
    return client.simulate_delete(f"/api/users/{username}/tokens", headers=who, params={"reason": "left us"})


def test_all_that_opens_an_account_ends_and_its_administration_with_it(client: Client, clara: Headers) -> None:
    program = bearer(made(client, clara, "app"))
    client.simulate_post("/api/invitations", headers=clara, json={"administrator": True})
    assert end(client, HIDDEN).json == {"ended": 2}
    assert [me(client, who) for who in (clara, program)] == [401, 401]
    assert client.simulate_get("/api/invitations", headers=HIDDEN).json["results"] == []
    again = client.simulate_post("/api/login", json={"username": "clara", "password": PASSWORD}).json["token"]
    assert not client.simulate_get("/api/me", headers={"Authorization": f"Bearer {again}"}).json["is_administrator"]


def test_who_ended_it_is_on_record_with_the_reason(client: Client, clara: Headers) -> None:
    end(client, HIDDEN)
    entry = client.simulate_get("/api/audit", headers=HIDDEN, params={"thing": "user"}).json["results"][0]
    told = (entry["action"], entry["principal"], entry["thing_id"], entry["reason"])
    assert told == ("user.access_ended", "operator", "clara", "left us")
    assert (entry["before"], entry["after"]) == ({"administrator": True}, {"administrator": False, "ended": 1})


def test_what_others_have_stays(client: Client, clara: Headers, anna: Headers) -> None:
    app = made_app(client, anna, MINE)
    end(client, HIDDEN)
    assert client.simulate_get(f"/api/apps/{app}/members", headers=anna).status_code == 200


def test_only_administrators_end_the_access_of_others(client: Client, clara: Headers, anna: Headers) -> None:
    few = bearer(made(client, clara, "read", "operate", "jobs"))
    session = session_of(client, "berta")
    assert [end(client, who).status_code for who in (anna, few, session, {})] == [403, 403, 403, 401]
    assert me(client, clara) == 200
    assert end(client, clara, "nobody").status_code == 404
