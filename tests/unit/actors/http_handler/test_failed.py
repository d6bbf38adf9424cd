"""Calls that fail: which may be tried again, and which are refused for good."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from core.errors import PermanentFailure, TransientFailure
from tests.ports import closed_port
from tests.unit.actors import hostile
from tests.unit.actors.http_handler.calling import OK, call
from tests.waiting import until

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nhalf"


# --- May be tried again ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (hostile.resetting(HALF), "reset"),
        (hostile.answering(HALF), "4 bytes read"),
        (hostile.resetting(b""), "reset"),
        (hostile.answering(b""), "without response"),
        (hostile.answering(b"SSH-2.0-OpenSSH\r\n"), "SSH"),
        (hostile.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab"), "Content-Length"),
        (
            hostile.answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"),
            "No whole answer",
        ),
        (hostile.answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip"), "Content-Encoding"),
        (hostile.answering(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), "headers"),
    ],
)
def test_no_whole_answer_may_be_tried_again(behaviour: hostile.Behaviour, words: str) -> None:
    with hostile.serving(behaviour) as server, pytest.raises(TransientFailure, match=words):
        call(server.url)


def test_a_refused_connection_may_be_tried_again() -> None:
    with closed_port() as port, pytest.raises(TransientFailure, match="refused"):
        call(f"http://127.0.0.1:{port}/")


def test_silence_ends_with_the_read_limit() -> None:
    with hostile.serving(hostile.silent) as server, pytest.raises(TransientFailure, match=r"silent for 0\.1"):
        call(server.url, read_seconds=0.1)


def test_a_full_backlog_ends_with_the_connect_limit() -> None:
    with hostile.full_backlog() as url, pytest.raises(TransientFailure, match="too long"):
        call(url, connect_seconds=0.1)


def test_a_handshake_that_hangs_ends_with_the_connect_limit() -> None:
    with hostile.serving(hostile.deaf) as server, pytest.raises(TransientFailure, match="handshake"):
        call(f"https://127.0.0.1:{server.port}/", connect_seconds=2)


def test_an_unknown_name_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransientFailure, match="not known"):
        call("http://nowhere.test/")


def test_a_lookup_that_hangs_ends_with_the_connect_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    resolvers: list[threading.Thread] = []

    def hang(*_args: Any, **_kwargs: Any) -> Any:
        resolvers.append(threading.current_thread())
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(TransientFailure, match="took longer"):
        call("http://hangs.test/", connect_seconds=0.1)
    until(lambda: resolvers, "the look-up to begin")
    answered.set()
    resolvers[0].join()


# --- Refused for good ------------------------------------------------------------------------------------


def test_a_certificate_nobody_vouches_for_is_refused_for_good(certificate: Path) -> None:
    behaviour = hostile.over_tls(hostile.answering(OK), certificate)
    with hostile.serving(behaviour) as server, pytest.raises(PermanentFailure, match="self-signed"):
        call(f"https://127.0.0.1:{server.port}/")


def test_a_certificate_for_another_name_is_refused_for_good(trusted: Path) -> None:
    behaviour = hostile.over_tls(hostile.answering(OK), trusted)
    with hostile.serving(behaviour) as server, pytest.raises(PermanentFailure, match=r"(?i)hostname"):
        call(f"https://localhost:{server.port}/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.test/",
        "//example.test/",
        "example.test",
        "",
        "http://",
        "http:///path",
        "http://user:secret@example.test/",
        "http://@example.test/",
        "http://user:secret@example.test:99999/",
        "http://user:secret@example.test/a b",
        "//user:secret@example.test/",
        "http://example.test:99999/",
        "http://exa mple.test/",
        "http://example.test/\r\nX: y",
        "http://[::1/",
        "http://[fe80::1%25lo]/",
        "http://127.0.0.1:0/",
        "http://" + "a" * 64 + ".test/",
        "file:///etc/passwd",
    ],
)
def test_a_bad_url_is_refused_for_good(url: str) -> None:
    with pytest.raises(PermanentFailure) as refused:
        call(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "b\r\nX-C: d"),
        ("X-A", "b\n"),
        ("X-A", "b\n c"),
        ("X-A", "\u2603"),
        ("X A", "b"),
        ("X-A\n", "b"),
        ("Transfer-Encoding", "chunked"),
        ("content-length", "3"),
        ("Proxy-Authorization", "x"),
    ],
)
def test_a_bad_header_is_refused_for_good(name: str, value: str) -> None:
    with pytest.raises(PermanentFailure, match="header"):
        call("http://127.0.0.1:1/", headers={name: value})
