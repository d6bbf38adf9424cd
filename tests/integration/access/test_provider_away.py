"""An identity provider that is away, slow or long-winded: who logs in is told, and nobody else waits."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from core.errors import ProviderUnavailable
from tests.factories import GivenSystem, given_system
from tests.integration.access.browsing import browser, guarded, provider
from tests.integration.access.tenants import SETTINGS
from tests.integration.api.client import Client, served
from tests.integration.api.listening import LOCALHOST, conducted
from tests.integration.api.people import HIDDEN
from tests.provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.waiting import LONGEST

__all__ = ["browser", "guarded", "provider"]  # fixtures


def test_a_provider_that_is_away_is_a_503_that_tells_no_cause(store: str) -> None:
    sso = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "a", "oidc_client_secret": "b"}
    client = Client(served(given_system(**SETTINGS, **sso)))
    with capture_logs() as logged:
        refused = client.simulate_get("/oidc/login")
    assert (refused.status_code, refused.json["detail"]) == (503, str(ProviderUnavailable()))
    [told] = [one["error"] for one in logged if one["event"] == "identity_provider_away"]
    assert "127.0.0.1" in told


def test_a_provider_that_was_away_is_asked_again_after_ten_seconds(
    client: Client, guarded: GivenSystem, provider: Provider
) -> None:
    provider.is_away = True
    for seconds, asked in ((0, 1), (9, 1), (1, 2)):
        guarded.clock.advance(seconds)
        assert client.simulate_get("/oidc/login").status_code == 503
        assert len(provider.asked) == asked
    provider.is_away = False
    guarded.clock.advance(10)
    assert client.simulate_get("/oidc/login").status_code == 303


def test_an_answer_of_more_than_a_mebibyte_is_not_read(client: Client, provider: Provider) -> None:
    provider.padding = "x" * 1024 * 1024
    assert client.simulate_get("/oidc/login").status_code == 503


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(
    client: Client, provider: Provider, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.access.openid_connect._SECONDS", 0.5)
    provider.drips = begun
    assert client.simulate_get("/oidc/login").status_code == 503


def test_a_provider_that_is_slow_holds_up_nobody_else(store: str, provider: Provider) -> None:
    sso = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
    app = served(given_system(**SETTINGS, **sso, web_threads=1))

    async def ask() -> None:
        provider.answers.clear()
        async with conducted(app) as conductor:
            login = asyncio.create_task(conductor.simulate_get("/oidc/login", host=LOCALHOST))
            try:
                assert await asyncio.to_thread(provider.reached.wait, LONGEST)
                other = await conductor.simulate_get("/api/apps", host=LOCALHOST, headers=HIDDEN)
                assert (other.status_code, login.done()) == (200, False)
            finally:
                provider.answers.set()
            assert (await login).status_code == 303

    asyncio.run(ask())


def test_who_begins_login_after_login_must_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.access.single_sign_on.MAX_OF_ADDRESS", 2)
    assert [client.simulate_get("/oidc/login").status_code for _ in range(3)] == [303, 303, 429]
