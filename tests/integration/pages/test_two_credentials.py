"""A request with the token of one user and the session of another acts for neither."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from falcon.testing import TestClient

from api.posted_forms import FORM
from models import database
from models.tables import Token
from pages.forms import TOKEN
from pages.page_request import form_token
from tests.every_page import all_routes
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.access.tenants import MINE, SETTINGS, Headers, made_app, made_job
from tests.integration.api.client import Client
from tests.integration.api.people import session_of, token_of
from tests.integration.pages.conftest import site

MAKE_TOKEN = "/dashboard/mine/tokens"  # noqa: S105  an address
OPEN = ("/login", "/register", "/forgot", "/reset", "/logout")


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    app: Any = site(system)
    return Client(app)


def posted(client: Client, path: str, who: Headers, session: Headers, **fields: str) -> Any:
    """The answer to a form of a session, sent with these headers."""
    form = {TOKEN: form_token(session["Cookie"].partition("=")[2]), **fields}
    headers = {**who, "Content-Type": FORM, "Host": "127.0.0.1"}
    return TestClient(client.app).simulate_post(path, body=urlencode(form), headers=headers)


def test_each_form_of_a_session_is_refused_beside_the_token_of_another_user(
    client: Client, system: GivenSystem
) -> None:
    anna, session_of_berta = token_of(client, "anna"), session_of(client, "berta")
    made_app(client, anna, MINE)
    values = {"name": MINE, "job_id": made_job(client, anna, MINE), "username": "anna"}
    refused = []
    for route in all_routes(system):
        path = re.sub(r"\{(\w+)[^}]*\}", lambda found: quote(values.get(found[1], "1"), safe=""), route.path)
        if route.post is None or path.startswith(OPEN):
            continue
        answer = posted(client, path, anna | session_of_berta, session_of_berta)
        assert answer.status_code in (400, 403, 404), (path, answer.status_code)
        if answer.status_code == 400:
            assert "a token or key in a header, and a session" in answer.text, path
            refused.append(path)
    assert MAKE_TOKEN in refused
    assert f"/dashboard/apps/{MINE}/keys" in refused
    assert len(refused) > 20


def test_a_token_that_ends_makes_none_that_outlasts_it_by_a_strangers_session(client: Client) -> None:
    berta = token_of(client, "berta")
    ends_at = (NOON + timedelta(minutes=10)).isoformat()
    wanted = {"name": "short", "scopes": ["read", "app"], "expires_at": ends_at}
    token = client.simulate_post("/api/me/tokens", headers=berta, json=wanted).json["token"]
    short, session = {"Authorization": f"Bearer {token}"}, session_of(client, "anna")
    fields = {"name": "long", "scope.app": "on"}
    for who in (short | session, short):
        assert posted(client, MAKE_TOKEN, who, session, **fields).status_code in (400, 403)
    page = TestClient(client.app).simulate_get("/dashboard/mine", headers={**short, **session, "Host": "127.0.0.1"})
    assert page.status_code == 400
    assert posted(client, MAKE_TOKEN, session, session, **fields).status_code == 200
    with database.reading():
        made = Token.select(Token.user).where(Token.name == "long")
        assert [one.user.username for one in made] == ["anna"]
