"""A browser that logs in at a provider which the tests start, and the settings that name that provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from api.resources.single_sign_on import COOKIE
from api.sites import COOKIE as SESSION
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers
from tests.integration.api.client import Client
from tests.provider import CLIENT_ID, CLIENT_SECRET, Provider, providing

GROUPS = f"admins=administrator; dev={MINE}:developer; ops={MINE}:operator; ops={THEIRS}:viewer; dev=none:owner"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(int(NOON.timestamp())) as serving:
        yield serving


@pytest.fixture
def guarded(store: str, provider: Provider) -> GivenSystem:
    sso = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
    return given_system(**SETTINGS, **sso, oidc_groups=GROUPS, registration="closed")


@dataclass
class Browser:
    """A browser that goes to the provider and comes back."""

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)

    def go(self) -> str:
        """Begin to log in; where the provider leads back to."""
        begun = self.client.simulate_get("/oidc/login")
        assert begun.status_code == 303, begun.text
        self.cookies = {COOKIE: begun.cookies[COOKIE].value}
        return requests.get(begun.headers["Location"], allow_redirects=False, timeout=30).headers["Location"]

    def come_back(self, address: str, **changes: str) -> Any:
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()} | changes
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return self.client.simulate_get("/oidc/callback", params=query, headers={"Cookie": header} if header else {})

    def log_in(self) -> Headers:
        """Log in; the headers that the browser sends then."""
        result = self.come_back(self.go())
        assert (result.status_code, result.headers.get("Location")) == (303, "/dashboard/"), result.text
        cookie = result.cookies[SESSION]
        assert (cookie.http_only, cookie.same_site) == (True, "Lax")
        return {"Cookie": f"{SESSION}={cookie.value}", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(client)
