"""Calls that are answered, however oddly."""

from __future__ import annotations

import gzip
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.actors import hostile
from tests.unit.actors.http_handler.calling import OK, call


def test_a_plain_answer_comes_back_whole() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        answer = call(server.url, headers={"Content-Type": "application/json", "X-Key": "k\u00e9"})
    assert (answer.status_code, answer.body, answer.truncated) == (200, b"done", False)
    assert answer.headers["content-length"] == "4"
    (request,) = server.requests
    assert request.startswith(b"POST /hook HTTP/1.1\r\n")
    assert request.endswith(b'\r\n\r\n{"a": 1}')
    for line in (b"User-Agent: Carillon/", b"X-Key: k\xe9", b"Content-Length: 8"):
        assert line in request


def test_a_header_is_sent_once_in_whatever_case_it_is_given() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        call(server.url, headers={"accept": "a/a", "X-A": "1", "x-a": "2"})
    sent = server.requests[0].lower()
    assert (sent.count(b"accept:"), sent.count(b"x-a:")) == (1, 1)
    assert b"accept: a/a" in sent
    assert b"x-a: 2" in sent


def test_the_environments_proxy_and_credentials_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with hostile.serving(hostile.answering(OK)) as server:
        assert call(server.url).status_code == 200


def test_a_name_is_looked_up() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        assert call(f"http://localhost:{server.port}/").body == b"done"


@pytest.mark.parametrize("status", [100, 102, 103])
def test_interim_answers_are_passed_over(status: int) -> None:
    interim = f"HTTP/1.1 {status} Wait\r\nLink: </style.css>\r\n\r\n".encode()
    with hostile.serving(hostile.answering(interim * 2 + OK)) as server:
        assert call(server.url).body == b"done"


def test_a_redirect_is_an_answer_and_its_body_is_not_read_beyond_the_cap() -> None:
    head = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 5000000\r\n\r\n"
    with hostile.serving(hostile.answering(head + bytes(5_000_000))) as server:
        answer = call(server.url)
    assert (answer.status_code, answer.truncated) == (307, True)
    assert len(server.requests) == 1


def test_a_cookie_is_not_sent_back() -> None:
    cookie = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n")
    with hostile.serving(hostile.conversing(cookie)) as server:
        call(server.url)
        call(server.url)
    assert b"a=b" not in server.requests[1]


def test_a_large_answer_is_cut_at_one_mebibyte() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    with hostile.serving(hostile.answering(head + bytes(5_000_000))) as server:
        answer = call(server.url)
    assert (len(answer.body), answer.truncated) == (1_048_576, True)


def test_an_answer_of_exactly_one_mebibyte_is_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"
    with hostile.serving(hostile.answering(head + bytes(1_048_576))) as server:
        answer = call(server.url)
    assert (len(answer.body), answer.truncated) == (1_048_576, False)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_is_unpacked_to_one_mebibyte_only(coding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(64 * 1024 * 1024))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    with hostile.serving(hostile.answering(head + bomb)) as server:
        answer = call(server.url)
    assert (len(answer.body), answer.truncated) == (1_048_576, True)


def test_a_small_packed_answer_is_unpacked() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with hostile.serving(hostile.answering(head + gzip.compress(b"done"))) as server:
        assert call(server.url).body == b"done"


def test_a_coding_that_was_not_asked_for_is_left_as_it_came() -> None:
    odd = OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: br\r\n\r\n")
    with hostile.serving(hostile.answering(odd)) as server:
        assert call(server.url).body == b"done"


@pytest.mark.parametrize(
    "answer",
    [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n"],
    ids=["length", "chunked"],
)
def test_a_reset_after_the_whole_body_does_no_harm(answer: bytes) -> None:
    with hostile.serving(hostile.resetting(answer)) as server:
        assert call(server.url).body == b"done"


def test_a_second_address_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (1, server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
        assert call("http://two.test/").body == b"done"


def test_a_trusted_certificate_is_taken(trusted: Path) -> None:
    with hostile.serving(hostile.over_tls(hostile.answering(OK), trusted)) as server:
        assert call(f"https://127.0.0.1:{server.port}/").body == b"done"


def test_a_folded_header_is_one_and_what_comes_twice_is_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nX-B: 3\r\nx-b: 4\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n"
    with hostile.serving(hostile.answering(head + b"done")) as server:
        answer = call(server.url)
    assert (answer.headers["x-a"], answer.headers["x-b"], answer.body) == ("1 2", "3, 4", b"done")
