"""Nobody gives away more than they have: what a token or key may do, and until when, bounds what it makes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import NOON, given_system
from tests.integration.access.own_tokens import TOKENS, bearer, made
from tests.integration.access.tenants import MINE, SETTINGS, Headers, made_app, made_key
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.people import HIDDEN, PASSWORD, token_of

SOON, LATER = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
KEYS = f"/api/apps/{MINE}/keys"
INVITATIONS, MEMBER = "/api/invitations", f"/api/apps/{MINE}/members/berta"


@pytest.fixture
def root(client: Client) -> Headers:
    """An administrator with every scope."""
    account = {"username": "root", "password": PASSWORD, "email": "root@example.com"}
    client.simulate_post("/api/register", json=account, headers=HIDDEN)
    login = client.simulate_post("/api/login", json={"username": "root", "password": PASSWORD}).json
    return {"Authorization": f"Bearer {login['token']}"}


def test_only_who_has_every_scope_invites_an_administrator(client: Client, root: Headers) -> None:
    limited = bearer(made(client, root, "read", "app"))
    assert client.simulate_post(INVITATIONS, headers=limited, json={"administrator": True}).status_code == 403
    assert client.simulate_post(INVITATIONS, headers=limited, json={}).status_code == 201
    assert client.simulate_post(INVITATIONS, headers=root, json={"administrator": True}).status_code == 201


def test_no_token_that_ends_makes_an_administrator_or_opens_an_account_for_good(
    client: Client, root: Headers, berta: Headers
) -> None:
    ending = bearer(made(client, root, "read", "operate", "jobs", "app"))

    def answers(who: Headers) -> list[int]:
        return [
            client.simulate_post(INVITATIONS, headers=who, json={"administrator": True}).status_code,
            client.simulate_post("/api/users/berta/reset", headers=who).status_code,
            client.simulate_patch("/api/users/berta", headers=who, json={"administrator": True}).status_code,
        ]

    assert answers(ending) == [403, 403, 403]
    assert client.simulate_patch("/api/users/berta", headers=ending, json={"disabled": False}).status_code == 200
    assert answers(root) == [201, 201, 200]


def test_a_role_grants_no_scope_that_who_gives_it_has_not(client: Client, anna: Headers, berta: Headers) -> None:
    app = made_app(client, anna, MINE)
    for limited in (made_key(client, anna, app, "app"), bearer(made(client, anna, "app"))):
        assert client.simulate_put(MEMBER, headers=limited, json={"role": "owner"}).status_code == 403
    reading = made_key(client, anna, app, "read", "app")
    assert client.simulate_put(MEMBER, headers=reading, json={"role": "viewer"}).status_code == 201
    assert client.simulate_put(MEMBER, headers=anna, json={"role": "owner"}).status_code == 200


def test_letters_with_links_are_not_shown_to_who_may_only_read(client: Client, root: Headers) -> None:
    reading, whole = bearer(made(client, root, "read")), bearer(made(client, root, "read", "app"))
    assert client.simulate_get("/api/outbox", headers=reading).status_code == 403
    assert client.simulate_get("/api/outbox", headers=whole).status_code == 200


def expiry(client: Client, who: Headers, path: str, **more: Any) -> Any:
    result = client.simulate_post(path, headers=who, json={"name": "made", "scopes": ["read"], **more})
    assert result.status_code == 201, result.text
    return result.json["expires_at"]


def test_no_key_or_token_makes_one_that_outlasts_it(client: Client, anna: Headers) -> None:
    app, until = made_app(client, anna, MINE), {"expires_at": SOON.isoformat()}
    key = made_key(client, anna, app, "read", "app", **until)
    token = bearer(made(client, anna, "read", "app", **until))
    for who, path in ((key, KEYS), (token, KEYS), (token, TOKENS)):
        late = {"name": "made", "scopes": ["read"], "expires_at": LATER.isoformat()}
        fault = refusal(client.simulate_post(path, headers=who, json=late))
        assert SOON.isoformat().replace("+00:00", "Z") in fault["expires_at"]
        for given in ({}, until):
            assert expiry(client, who, path, **given) == SOON.isoformat().replace("+00:00", "Z")


def test_a_key_or_login_that_lasts_makes_keys_that_last(client: Client, anna: Headers) -> None:
    app = made_app(client, anna, MINE)
    for who in (anna, made_key(client, anna, app, "read", "app")):
        assert expiry(client, who, KEYS) is None


def test_an_app_to_which_groups_are_given_roles_is_for_administrators_to_make(store: str) -> None:
    client = Client(served(given_system(**SETTINGS, oidc_groups="dev=Payments:developer")))
    anna = token_of(client, "anna")

    def made_by(who: Headers, name: str) -> int:
        return int(client.simulate_post("/api/apps", headers=who, json={"name": name}).status_code)

    assert [made_by(anna, name) for name in ("payments", "PAYMENTS", "Payments", "payments2")] == [400, 400, 400, 201]
    assert made_by(HIDDEN, "Payments") == 201


def test_no_token_that_ends_enables_an_administrator(client: Client, root: Headers, berta: Headers) -> None:
    ending = bearer(made(client, root, "read", "operate", "jobs", "app"))
    client.simulate_patch("/api/users/berta", headers=HIDDEN, json={"administrator": True, "disabled": True})
    enabled = [
        client.simulate_patch("/api/users/berta", headers=who, json={"disabled": False}).status_code
        for who in (ending, root)
    ]
    assert enabled == [403, 200]


def test_no_key_that_ends_makes_a_member_and_a_users_token_does(client: Client, anna: Headers, berta: Headers) -> None:
    app, until = made_app(client, anna, MINE), {"expires_at": SOON.isoformat()}
    every = ("read", "operate", "jobs", "app")
    ending, lasting = made_key(client, anna, app, *every, **until), made_key(client, anna, app, *every)
    of_user = bearer(made(client, anna, *every, **until))
    given = [
        client.simulate_put(MEMBER, headers=who, json={"role": role}).status_code
        for who, role in ((ending, "viewer"), (ending, "owner"), (lasting, "viewer"), (of_user, "owner"))
    ]
    assert given == [403, 403, 201, 200]
