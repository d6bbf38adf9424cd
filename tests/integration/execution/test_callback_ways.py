"""How callbacks and requests of jobs leave: apart for each app, and through the proxy that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actors.calls import http, kept_connections
from actors.handlers.call import perform_call
from core.principals import LOCAL
from services.execution.work import Result, Succeeded
from services.jobs import creating
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, claim_one, given_system, new_job
from tests.unit.actors.hostile import conversing, serving, tunnelling
from tests.unit.actors.http_handler.inner_addresses import PUBLIC_ADDRESS, Resolver, resolver
from tests.waiting import LONGEST

__all__ = ["resolver"]  # a fixture
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def keeps_long(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No connection is idle for too long, however slow this machine is between two calls."""
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", LONGEST)
    http.kept.close_all()
    yield
    http.kept.close_all()


def callback(url: str) -> dict[str, Any]:
    return {"callback_url": url}


def request(url: str) -> dict[str, Any]:
    return {"task_type": "http", "data": {"url": url}}


def perform(system: GivenSystem, **job: Any) -> Result:
    """One attempt at a new job, as workers make it."""
    creating.create(LOCAL, system, new_job(**job))
    return perform_call(system, claim_one(system), AbortScope())


@pytest.mark.parametrize("of", [callback, request])
def test_two_apps_that_call_one_receiver_never_share_a_connection(sqlite: str, of: Any) -> None:
    system = given_system()
    with serving(conversing(OK)) as receiver:
        for app in ("app_a", "app_b", "app_a", "app_b"):
            assert isinstance(perform(system, app_name=app, **of(receiver.url)), Succeeded)
        assert (receiver.connections, len(receiver.requests)) == (2, 4)


@pytest.mark.parametrize("of", [callback, request])
def test_a_call_goes_through_the_proxy_that_the_settings_name(sqlite: str, resolver: Resolver, of: Any) -> None:
    resolver.names["receiver.test"] = [PUBLIC_ADDRESS]
    with serving(tunnelling(conversing(OK))) as proxy:
        system = given_system(egress_proxy=f"http://127.0.0.1:{proxy.port}")
        assert isinstance(perform(system, **of("http://receiver.test/hook")), Succeeded)
        asked, sent = proxy.requests
    assert asked.startswith(f"CONNECT {PUBLIC_ADDRESS}:80 HTTP/1.1\r\n".encode())
    assert b" /hook HTTP/1.1\r\n" in sent
    assert b"Host: receiver.test\r\n" in sent
