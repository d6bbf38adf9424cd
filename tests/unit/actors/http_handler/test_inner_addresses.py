"""Callbacks cannot reach inside: what is denied is refused for good, and no socket is opened for it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.errors import PermanentFailure, TransientFailure
from core.networks import PUBLIC, Reach
from tests.unit.actors import hostile
from tests.unit.actors.http_handler.calling import OK, call
from tests.unit.actors.http_handler.inner_addresses import CORPUS, PUBLIC_ADDRESS, Resolver, opened, resolver

__all__ = ["opened", "resolver"]  # fixtures


@pytest.fixture
def receiver() -> Iterator[hostile.Hostile]:
    with hostile.serving(hostile.answering(OK)) as server:
        yield server


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", CORPUS)
def test_no_spelling_of_an_inner_address_opens_a_socket(
    receiver: hostile.Hostile, opened: list[Any], scheme: str, host: str
) -> None:
    with pytest.raises(PermanentFailure):
        call(f"{scheme}://{host}:{receiver.port}/", reach=PUBLIC)
    assert not opened
    assert not receiver.requests


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://127.0.0.1/", "unix:/x"])
def test_other_schemes_open_no_socket(opened: list[Any], url: str) -> None:
    with pytest.raises(PermanentFailure):
        call(url, reach=PUBLIC)
    assert not opened


@pytest.mark.usefixtures("resolver")
def test_the_refusal_names_host_rule_and_remedy_and_the_log_alone_the_address() -> None:
    with pytest.raises(PermanentFailure) as refused, capture_logs() as logged:
        call("http://inside.test/", reach=PUBLIC)
    assert str(refused.value) == (
        "inside.test has an address that is not allowed: callbacks go only to public addresses. Call another host, or "
        "let CALLBACK_NETWORKS_ALLOWED name its network, which opens no metadata address. The log of the process has "
        "the address."
    )
    [denied] = [one for one in logged if one["event"] == "address_denied"]
    assert (denied["host"], denied["addresses"]) == ("inside.test", ["10.0.0.1"])


def test_the_name_is_looked_up_once_and_what_was_checked_is_what_is_called(
    resolver: Resolver, receiver: hostile.Hostile, opened: list[Any]
) -> None:
    class Turning(dict[str, list[str]]):
        """Public for whoever asks first, inner for whoever asks again."""

        def __getitem__(self, name: str) -> list[str]:
            return [PUBLIC_ADDRESS] if len(resolver.asked) < 2 else ["127.0.0.1"]

    resolver.names = Turning({"turning.test": []})
    with pytest.raises(TransientFailure):
        # Long enough for the look-up to end: the next call would share one that is still under way.
        call(f"http://turning.test:{receiver.port}/", reach=PUBLIC, connect_seconds=2)
    assert resolver.asked == ["turning.test"]
    assert not receiver.requests
    del opened[:]
    with pytest.raises(PermanentFailure, match="an address that is not allowed"):
        call(f"http://turning.test:{receiver.port}/", reach=PUBLIC)
    assert not opened


def test_a_redirect_inside_is_not_followed(receiver: hostile.Hostile) -> None:
    moved = f"HTTP/1.1 302 Found\r\nLocation: {receiver.url}\r\nContent-Length: 0\r\n\r\n".encode()
    with hostile.serving(hostile.answering(moved)) as public:
        reach = Reach(hosts=frozenset({("127.0.0.1", public.port)}))
        assert call(public.url, reach=reach).status_code == 302
    assert not receiver.requests


def test_no_proxy_of_the_environment_leads_around_the_check(
    receiver: hostile.Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{receiver.port}")
    with pytest.raises(PermanentFailure):
        call("http://10.0.0.1/", reach=PUBLIC)
    assert not receiver.requests


def test_the_checked_address_is_called_under_the_original_name(resolver: Resolver, receiver: hostile.Hostile) -> None:
    resolver.names["named.test"] = ["127.0.0.1"]
    reach = Reach(hosts=frozenset({("named.test", receiver.port)}))
    assert call(f"http://named.test:{receiver.port}/", reach=reach).status_code == 200
    assert f"Host: named.test:{receiver.port}".encode() in receiver.requests[0]


def test_tls_is_asked_for_the_original_name(
    resolver: Resolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = hostile.make_certificate(tmp_path, "DNS:named.test")
    with hostile.serving(hostile.over_tls(hostile.answering(OK), certificate)) as server:
        resolver.names["named.test"] = ["127.0.0.1"]
        reach = Reach(hosts=frozenset({("named.test", server.port)}))
        monkeypatch.setattr("actors.calls.trust.context", lambda *_: _believing(certificate))
        assert call(f"https://named.test:{server.port}/", reach=reach).status_code == 200


def _believing(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))
