"""Tokens that users make for programs of their own."""

from __future__ import annotations

from typing import Any

from tests.integration.access.tenants import Headers
from tests.integration.api.client import Client

TOKENS = "/api/me/tokens"


def made(client: Client, who: Headers, *scopes: str, **more: Any) -> Any:
    wanted = {"name": "a program", "scopes": list(scopes), **more}
    result = client.simulate_post(TOKENS, headers=who, json=wanted)
    assert result.status_code == 201, result.text
    return result.json


def bearer(token: Any) -> Headers:
    return {"Authorization": f"Bearer {token['token']}"}
