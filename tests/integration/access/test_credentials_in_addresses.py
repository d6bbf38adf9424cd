"""No credential in an address lets anybody in: addresses are logged, shared and kept in the history of browsers."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import falcon
import pytest

from api.sites import COOKIE
from tests.factories import GivenSystem, given_system
from tests.integration.access.tenants import MINE, SETTINGS, Headers, made_app, made_key
from tests.integration.api.channels import OWN_JOBS, STATUSES
from tests.integration.api.client import Client, served
from tests.integration.api.listening import LOCALHOST, conducted
from tests.integration.api.people import HIDDEN, SECRET, session_of

NAMES = ("token", "access_token", "key", "api_key", "secret", "session", COOKIE, "Authorization", "X-Internal-Secret")
KINDS = ("token", "key", "secret", "session")
UNAUTHORIZED = 3401


@pytest.fixture
def guarded(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


@pytest.fixture
def credential(client: Client, anna: Headers, kind: str) -> tuple[Headers, str]:
    """A credential in the header where it belongs, and as a text."""
    if kind == "secret":
        return HIDDEN, SECRET
    if kind == "session":
        session = session_of(client, "berta")
        return session, session["Cookie"].partition("=")[2]
    header = anna if kind == "token" else made_key(client, anna, made_app(client, anna, MINE), "read")
    return header, header["Authorization"].partition(" ")[2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["/api/jobs", "/api/me", "/api/events"])
def test_a_credential_in_the_address_of_a_request_is_none(
    client: Client, credential: tuple[Headers, str], path: str
) -> None:
    header, text = credential
    assert client.simulate_head(path, headers=header).status_code == 200
    assert client.simulate_head(path, query_string=in_address(text)).status_code == 401


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [STATUSES, OWN_JOBS])
def test_a_credential_in_the_address_of_a_websocket_is_none(
    guarded: GivenSystem, credential: tuple[Headers, str], path: str
) -> None:
    header, text = credential
    assert asyncio.run(refusal(guarded, path, headers=header)) is None
    assert asyncio.run(refusal(guarded, path, query_string=in_address(text))) == UNAUTHORIZED


def in_address(credential: str) -> str:
    """A credential as a parameter, under every name that it may have."""
    return urlencode(dict.fromkeys(NAMES, credential))


async def refusal(system: GivenSystem, path: str, **options: Any) -> int | None:
    """The code that a handshake is refused with, or None for one that is accepted."""
    async with conducted(served(system)) as conductor:
        try:
            async with conductor.simulate_ws(path, host=LOCALHOST, **options):
                return None
        except falcon.WebSocketDisconnected as refused:
            code: int | None = refused.code
            return code
