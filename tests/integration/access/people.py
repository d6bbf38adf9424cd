"""What people ask about themselves, and administrators about them."""

from __future__ import annotations

from typing import Any

from tests.integration.access.tenants import Headers
from tests.integration.api.client import Client
from tests.integration.api.people import HIDDEN, PASSWORD


def register(client: Client, name: str = "anna", headers: Headers | None = None, **more: Any) -> Any:
    account = {"username": name, "password": PASSWORD, "email": f"{name}@example.com", **more}
    return client.simulate_post("/api/register/", json=account, headers=headers)


def me(client: Client, who: Headers) -> int:
    return int(client.simulate_get("/api/me", headers=who).status_code)


def change(client: Client, username: str, who: Headers = HIDDEN, **wanted: Any) -> Any:
    return client.simulate_patch(f"/api/users/{username}", headers=who, json=wanted, params={"reason": "a reason"})
