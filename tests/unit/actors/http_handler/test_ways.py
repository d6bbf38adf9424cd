"""Proxies, own authorities and client certificates: the address policy holds through each, and none shares a wire."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.errors import PermanentFailure, TransientFailure
from core.networks import PUBLIC, Reach
from core.proxies import Proxy
from core.ways import Way
from tests.ports import closed_port
from tests.unit.actors import hostile
from tests.unit.actors.hostile import answering, conversing, over_tls, serving, tunnelling
from tests.unit.actors.http_handler.calling import HERE, OK, call
from tests.unit.actors.http_handler.inner_addresses import CORPUS, PUBLIC_ADDRESS, Resolver, opened, resolver
from tests.unit.actors.http_handler.keeping import kept

__all__ = ["opened", "resolver"]  # fixtures
pytestmark = pytest.mark.usefixtures("keeps_long")

CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def through(server: hostile.Hostile, authorization: str | None = None) -> Way:
    """The way through a proxy at this server."""
    return Way(proxy=Proxy("127.0.0.1", server.port, authorization))


def test_a_proxy_is_told_the_address_that_was_checked_and_the_receiver_its_name(resolver: Resolver) -> None:
    resolver.names["named.test"] = [PUBLIC_ADDRESS]
    with serving(tunnelling(answering(CLOSING))) as proxy:
        assert call("http://named.test:81/x", reach=PUBLIC, way=through(proxy, "Basic canary")).status_code == 200
        asked, request = proxy.requests
    assert asked == b"CONNECT 1.1.1.1:81 HTTP/1.1\r\nHost: 1.1.1.1:81\r\nProxy-Authorization: Basic canary\r\n\r\n"
    assert b"Host: named.test:81" in request
    assert b"canary" not in request
    assert resolver.asked.count("named.test") == 1


def test_a_name_with_an_inner_address_besides_leads_nobody_past_the_proxy(resolver: Resolver) -> None:
    resolver.names["mixed.test"] = ["10.1.2.3", PUBLIC_ADDRESS]
    reach = Reach((ipaddress.ip_network("10.0.0.0/8"),))
    with serving(tunnelling(answering(CLOSING))) as proxy:
        assert call("http://mixed.test/", reach=reach, way=through(proxy)).status_code == 200
        assert proxy.requests[0].startswith(b"CONNECT 1.1.1.1:80 ")


def test_tls_is_spoken_with_the_receiver_through_the_tunnel(resolver: Resolver, tmp_path: Path) -> None:
    certificate = hostile.make_certificate(tmp_path, "DNS:named.test")
    resolver.names["named.test"] = [PUBLIC_ADDRESS]
    with serving(tunnelling(over_tls(answering(CLOSING), certificate))) as proxy:
        way = Way(proxy=Proxy("127.0.0.1", proxy.port), ca_bundle=certificate)
        assert call("https://named.test/", reach=PUBLIC, way=way).status_code == 200
        resolver.names["other.test"] = [PUBLIC_ADDRESS]
        with pytest.raises(PermanentFailure, match=r"certificate of other\.test was refused"):
            call("https://other.test/", reach=PUBLIC, way=way)


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", CORPUS)
def test_no_spelling_of_an_inner_address_opens_a_socket_to_the_proxy(
    opened: list[Any], certificate: Path, scheme: str, host: str
) -> None:
    way = Way(uuid4(), Proxy("127.0.0.1", 9), certificate, certificate.read_text())
    with pytest.raises(PermanentFailure):
        call(f"{scheme}://{host}:81/", reach=PUBLIC, way=way)
    assert not opened


def test_a_resolver_that_changes_its_answer_leads_the_proxy_nowhere(resolver: Resolver, opened: list[Any]) -> None:
    resolver.names["turning.test"] = [PUBLIC_ADDRESS]
    with serving(tunnelling(answering(CLOSING))) as proxy:
        call("http://turning.test/", reach=PUBLIC, way=through(proxy))
        resolver.names["turning.test"] = ["169.254.169.254"]
        del opened[:]
        with pytest.raises(PermanentFailure, match="metadata"):
            call("http://turning.test/", reach=PUBLIC, way=through(proxy))
        assert not opened
        assert [asked.split()[1] for asked in proxy.requests if asked.startswith(b"CONNECT")] == [b"1.1.1.1:80"]


def test_a_redirect_inside_is_not_followed_through_a_proxy(resolver: Resolver) -> None:
    resolver.names["named.test"] = [PUBLIC_ADDRESS]
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with serving(tunnelling(answering(moved))) as proxy:
        assert call("http://named.test/", reach=PUBLIC, way=through(proxy)).status_code == 302
        assert len(proxy.requests) == 2


def test_an_inner_receiver_that_the_operator_allows_is_called_directly() -> None:
    with serving(answering(CLOSING)) as receiver, serving(tunnelling(answering(CLOSING))) as proxy:
        assert call(receiver.url, reach=HERE, way=through(proxy)).status_code == 200
        assert not proxy.requests


def test_a_tunnel_is_kept_for_the_next_call(resolver: Resolver) -> None:
    resolver.names["named.test"] = [PUBLIC_ADDRESS]
    with serving(tunnelling(conversing(OK))) as proxy:
        for _ in range(2):
            call("http://named.test/", reach=PUBLIC, way=through(proxy))
        assert (proxy.connections, len(proxy.requests)) == (1, 3)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 407 Who are you\r\n\r\n", "answered 407"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", "answered 302"),
        (b"SSH-2.0\r\n\r\n", "no answer of HTTP"),
        (b"HTTP/1.1 200 OK\r\n", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, "does not end"),
    ],
)
def test_a_proxy_that_makes_no_tunnel_is_told_of_and_tried_again(resolver: Resolver, answer: bytes, told: str) -> None:
    resolver.names["named.test"] = [PUBLIC_ADDRESS]
    with serving(answering(answer)) as proxy, pytest.raises(TransientFailure, match=told) as failed:
        call("http://named.test/", reach=PUBLIC, way=through(proxy, "Basic canary"))
    assert "canary" not in str(failed.value)
    assert not failed.value.was_called


def test_a_proxy_that_got_no_connection_tells_of_the_receiver_and_one_that_is_away_of_itself(
    resolver: Resolver,
) -> None:
    resolver.names["named.test"] = [PUBLIC_ADDRESS]
    was_called = []
    with serving(answering(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")) as proxy:
        with pytest.raises(TransientFailure, match="answered 502") as failed:
            call("http://named.test/", reach=PUBLIC, way=through(proxy))
        was_called.append(failed.value.was_called)
    with closed_port() as port, pytest.raises(TransientFailure, match="No connection") as failed:
        call("http://named.test/", reach=PUBLIC, way=Way(proxy=Proxy("127.0.0.1", port, None)))
    assert [*was_called, failed.value.was_called] == [True, False]


def test_a_silent_proxy_costs_no_more_than_connecting_may(resolver: Resolver) -> None:
    resolver.names["named.test"] = [PUBLIC_ADDRESS]
    with serving(hostile.silent) as proxy, pytest.raises(TransientFailure, match="made no tunnel"):
        call("http://named.test/", reach=PUBLIC, way=through(proxy), connect_seconds=2, read_seconds=3600)


def test_the_installations_own_authorities_are_believed_where_it_names_them(certificate: Path) -> None:
    with serving(over_tls(answering(CLOSING), certificate)) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(PermanentFailure, match="certificate"):
            call(url)
        assert call(url, way=Way(ca_bundle=certificate)).status_code == 200


def test_authorities_that_cannot_be_read_are_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(TransientFailure, match="CA_BUNDLE") as failed:
        call("https://127.0.0.1:9/", way=Way(ca_bundle=tmp_path / "none.pem"))
    assert not failed.value.was_called


def test_a_receiver_that_asks_for_a_certificate_is_shown_the_one_of_the_call(certificate: Path) -> None:
    with serving(over_tls(answering(CLOSING), certificate, of_clients=certificate)) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(TransientFailure):
            call(url, way=Way(ca_bundle=certificate))
        assert call(url, way=Way(ca_bundle=certificate, certificate=certificate.read_text())).status_code == 200


@pytest.mark.parametrize("wrong", ["", "canary", "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused_and_not_repeated(opened: list[Any], wrong: str) -> None:
    with pytest.raises(PermanentFailure, match="client_certificate") as refused:
        call("https://127.0.0.1:9/", way=Way(certificate=wrong))
    assert "canary" not in str(refused.value)
    assert not opened


def test_calls_of_different_ways_never_share_a_connection(certificate: Path) -> None:
    pem, app = certificate.read_text(), uuid4()
    ways = [
        Way(ca_bundle=certificate),
        Way(app, ca_bundle=certificate),
        Way(uuid4(), ca_bundle=certificate),
        Way(app, ca_bundle=certificate, certificate=pem),
        Way(app, Proxy("127.0.0.1", 9), certificate),
    ]
    with serving(over_tls(conversing(OK), certificate)) as server:
        url = server.url.replace("http:", "https:")
        for way in (*ways, *ways):
            assert call(url, way=way).status_code == 200
        assert (server.connections, kept()) == (len(ways), len(ways))


def test_ways_show_neither_keys_nor_passwords() -> None:
    way = Way(proxy=Proxy.parse("http://ada:canary@proxy.test"), certificate="canary")
    assert "canary" not in repr(way)
    assert "Y2FuYXJ5" not in repr(way)
