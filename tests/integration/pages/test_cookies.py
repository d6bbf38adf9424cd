"""Cookies that browsers send back, and those that attackers make."""

from __future__ import annotations

import http.cookies
from typing import Any

import falcon.testing
import pytest

from tests.factories import given_system
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site

ESCAPED = '"' + '\\"' * 20_000 + '"'


@pytest.mark.parametrize("path", ["/api/jobs", "/dashboard/"])
@pytest.mark.parametrize("name", ["a", "carillon_session", "carillon_zone"])
def test_an_escaped_cookie_is_never_unescaped(
    sqlite: str, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    def unquote(_text: str) -> Any:
        raise AssertionError("unescaping takes the square of the length")

    monkeypatch.setattr(http.cookies, "_unquote", unquote)
    client = falcon.testing.TestClient(site(given_system(internal_secret="s")))  # noqa: S106
    for method in ("GET", "POST"):
        result = client.simulate_request(method, path, headers={"Cookie": f"{name}={ESCAPED}"})
        assert result.status_code < 500


def test_a_zone_is_read_in_the_quotes_that_it_is_kept_in(browser: Browser) -> None:
    browser.cookies["carillon_zone"] = '"Europe/Berlin"'
    assert 'data-zone="Europe/Berlin"' in browser.load("/dashboard/").html
