"""Nobody gives away more than they have: what a token or key may do bounds whom it lets in, and as what."""

from __future__ import annotations

import pytest

from tests.integration.access.tenants import MINE, Headers, made_app, made_key
from tests.integration.access.test_own_tokens import bearer, made
from tests.integration.api.client import Client
from tests.integration.api.test_accounts import HIDDEN, PASSWORD

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
