"""People who register and log in over the API, and the operator, who has the secret."""

from __future__ import annotations

from typing import Any

from api.sites import COOKIE
from tests.integration.api.client import Client

PASSWORD = "a long password"  # noqa: S105
SECRET = "a secret of this test's own"  # noqa: S105
HIDDEN = {"X-Internal-Secret": SECRET}


def register(client: Client, name: str, **headers: str) -> Any:
    account = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
    return client.simulate_post("/api/register/", json=account, headers=headers)


def token_of(client: Client, name: str) -> dict[str, str]:
    """Register and log in; the header that says so."""
    assert register(client, name, **(HIDDEN if name == "root" else {})).status_code == 201
    result = client.simulate_post("/api/login/", json={"username": name, "password": PASSWORD})
    assert result.status_code == 200, result.text
    return {"Authorization": f"Token {result.json['token']}"}


def session_of(client: Client, name: str) -> dict[str, str]:
    """Register and log in by the form; the headers that a browser sends then."""
    register(client, name)
    form = f"username={name}&password={PASSWORD.replace(' ', '+')}"
    result = client.simulate_post("/login/", body=form, content_type="application/x-www-form-urlencoded")
    return {"Cookie": f"{COOKIE}={result.cookies[COOKIE].value}", "Sec-Fetch-Site": "same-origin"}
