"""Calls against receivers that misbehave, each on a real socket, and aborts in each phase of a call."""

from __future__ import annotations

import gc
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from actors.handlers import connection, http
from core.errors import Aborted, AbortReason, PermanentFailure, TransientFailure
from services.abort import Scope
from tests.unit import hostile

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nhalf"


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    gc.collect()
    files, threads = _open_files(), threading.active_count()
    yield
    gc.collect()
    assert _open_files() == files
    assert threading.active_count() == threads


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile.make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    connection.trust.cache_clear()
    yield certificate
    connection.trust.cache_clear()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _call(url: str, **changes: Any) -> http.Answer:
    request = http.Call(url, **{"body": b'{"a": 1}', "headers": {}, **changes})
    return http.call(request, Scope())


def test_a_plain_answer_comes_back_whole() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        answer = _call(server.url, headers={"Content-Type": "application/json", "X-Key": "k\u00e9"})
    assert (answer.status_code, answer.body, answer.truncated) == (200, b"done", False)
    assert answer.headers["content-LENGTH"] == "4"
    (request,) = server.requests
    assert request.startswith(b"POST /hook HTTP/1.1\r\n")
    assert request.endswith(b'\r\n\r\n{"a": 1}')
    for line in (b"Connection: close", b"User-Agent: Carillon/", b"X-Key: k\xe9", b"Content-Length: 8"):
        assert line in request


def test_the_environments_proxy_and_credentials_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with hostile.serving(hostile.answering(OK)) as server:
        assert _call(server.url).status_code == 200


def test_a_name_is_looked_up() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        assert _call(f"http://localhost:{server.port}/").body == b"done"


def test_a_connection_that_the_receiver_keeps_is_closed_by_us() -> None:
    with hostile.serving(hostile.keeping_open(OK)) as server:
        assert _call(server.url).body == b"done"


@pytest.mark.parametrize("status", [100, 102, 103])
def test_interim_answers_are_passed_over(status: int) -> None:
    interim = f"HTTP/1.1 {status} Wait\r\nLink: </style.css>\r\n\r\n".encode()
    with hostile.serving(hostile.answering(interim * 2 + OK)) as server:
        assert _call(server.url).body == b"done"


def test_a_redirect_is_an_answer_and_its_body_is_not_read_beyond_the_cap() -> None:
    head = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 5000000\r\n\r\n"
    with hostile.serving(hostile.answering(head + bytes(5_000_000))) as server:
        answer = _call(server.url)
    assert (answer.status_code, answer.truncated) == (307, True)
    assert len(server.requests) == 1


def test_a_cookie_is_not_sent_back() -> None:
    cookie = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n")
    with hostile.serving(hostile.answering(cookie)) as server:
        _call(server.url)
        _call(server.url)
    assert b"a=b" not in server.requests[1]


def test_a_large_answer_is_cut_at_one_mebibyte() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    with hostile.serving(hostile.answering(head + bytes(5_000_000))) as server:
        answer = _call(server.url)
    assert (len(answer.body), answer.truncated) == (1_048_576, True)


def test_an_answer_of_exactly_one_mebibyte_is_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"
    with hostile.serving(hostile.answering(head + bytes(1_048_576))) as server:
        answer = _call(server.url)
    assert (len(answer.body), answer.truncated) == (1_048_576, False)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_is_unpacked_to_one_mebibyte_only(coding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(64 * 1024 * 1024))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    with hostile.serving(hostile.answering(head + bomb)) as server:
        answer = _call(server.url)
    assert (len(answer.body), answer.truncated) == (1_048_576, True)


def test_a_small_packed_answer_is_unpacked() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with hostile.serving(hostile.answering(head + gzip.compress(b"done"))) as server:
        assert _call(server.url).body == b"done"


def test_a_coding_that_was_not_asked_for_is_left_as_it_came() -> None:
    odd = OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: br\r\n\r\n")
    with hostile.serving(hostile.answering(odd)) as server:
        assert _call(server.url).body == b"done"


@pytest.mark.parametrize(
    "answer",
    [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n"],
    ids=["length", "chunked"],
)
def test_a_reset_after_the_whole_body_does_no_harm(answer: bytes) -> None:
    with hostile.serving(hostile.resetting(answer)) as server:
        assert _call(server.url).body == b"done"


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
        _call(server.url)


def test_a_refused_connection_may_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransientFailure, match="refused"):
        _call(f"http://127.0.0.1:{port}/")


def test_silence_ends_with_the_read_limit() -> None:
    with hostile.serving(hostile.silent) as server, pytest.raises(TransientFailure, match=r"silent for 0\.1"):
        _call(server.url, read_seconds=0.1)


def test_a_full_backlog_ends_with_the_connect_limit() -> None:
    with hostile.full_backlog() as url, pytest.raises(TransientFailure, match="too long"):
        _call(url, connect_seconds=0.1)


def test_a_handshake_that_hangs_ends_with_the_connect_limit() -> None:
    with hostile.serving(hostile.deaf) as server, pytest.raises(TransientFailure, match="handshake"):
        _call(f"https://127.0.0.1:{server.port}/", connect_seconds=0.1)


def test_an_unknown_name_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransientFailure, match="not known"):
        _call("http://nowhere.test/")


def test_a_second_address_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (1, server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
        assert _call("http://two.test/").body == b"done"


def test_a_certificate_nobody_vouches_for_is_refused_for_good(certificate: Path) -> None:
    behaviour = hostile.over_tls(hostile.answering(OK), certificate)
    with hostile.serving(behaviour) as server, pytest.raises(PermanentFailure, match="self-signed"):
        _call(f"https://127.0.0.1:{server.port}/")


def test_a_certificate_for_another_name_is_refused_for_good(trusted: Path) -> None:
    behaviour = hostile.over_tls(hostile.answering(OK), trusted)
    with hostile.serving(behaviour) as server, pytest.raises(PermanentFailure, match=r"(?i)hostname"):
        _call(f"https://localhost:{server.port}/")


def test_a_trusted_certificate_is_taken(trusted: Path) -> None:
    with hostile.serving(hostile.over_tls(hostile.answering(OK), trusted)) as server:
        assert _call(f"https://127.0.0.1:{server.port}/").body == b"done"


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
        _call(url)
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
        _call("http://127.0.0.1:1/", headers={name: value})


class Running:
    """A call in a thread of its own, to be aborted."""

    def __init__(self, url: str, body: bytes = b"{}") -> None:
        self.scope = Scope()
        self.raised: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(http.Call(url, body, {}),))
        self._thread.start()

    def abort(self) -> None:
        begun = time.monotonic()
        self.scope.abort(AbortReason.CANCELLED)
        self._thread.join(10)
        assert time.monotonic() - begun < 0.5
        (raised,) = self.raised
        assert isinstance(raised, Aborted)
        assert raised.reason is AbortReason.CANCELLED

    def _run(self, request: http.Call) -> None:
        try:
            http.call(request, self.scope)
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.raised.append(error)


@pytest.mark.parametrize(
    ("behaviour", "size"),
    [(hostile.silent, 2), (hostile.dripping, 2), (hostile.deaf, 64_000_000)],
    ids=["waiting", "reading", "sending"],
)
def test_an_abort_ends_a_call(behaviour: hostile.Behaviour, size: int) -> None:
    with hostile.serving(behaviour) as server:
        running = Running(server.url, bytes(size))
        assert server.reached.wait(10)
        running.abort()


@pytest.mark.parametrize("behaviour", [hostile.silent, hostile.dripping], ids=["waiting", "reading"])
def test_an_abort_ends_a_call_over_tls(behaviour: hostile.Behaviour, trusted: Path) -> None:
    with hostile.serving(hostile.over_tls(behaviour, trusted)) as server:
        running = Running(f"https://127.0.0.1:{server.port}/")
        assert server.reached.wait(10)
        running.abort()


def test_an_abort_ends_a_tls_handshake() -> None:
    with hostile.serving(hostile.deaf) as server:
        running = Running(f"https://127.0.0.1:{server.port}/")
        assert server.reached.wait(10)
        running.abort()


def test_an_abort_ends_a_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()
    await_connected = connection._await_connected

    def seen(reached: socket.socket, seconds: float) -> None:
        waiting.set()
        await_connected(reached, seconds)

    monkeypatch.setattr(connection, "_await_connected", seen)
    with hostile.full_backlog() as url:
        running = Running(url)
        assert waiting.wait(10)
        running.abort()


def test_an_abort_does_not_wait_for_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()
    resolvers: list[threading.Thread] = []

    def hang(*_args: Any, **_kwargs: Any) -> Any:
        resolvers.append(threading.current_thread())
        asked.set()
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with ExitStack() as finally_:
        finally_.callback(answered.set)
        first, second = Running("http://hangs.test/"), Running("http://hangs.test/")
        assert asked.wait(10)
        first.abort()
        second.abort()
    for resolver in resolvers:
        resolver.join()
    assert len(resolvers) == 1


def test_a_lookup_that_hangs_ends_with_the_connect_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    resolvers: list[threading.Thread] = []

    def hang(*_args: Any, **_kwargs: Any) -> Any:
        resolvers.append(threading.current_thread())
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(TransientFailure, match="took longer"):
        _call("http://hangs.test/", connect_seconds=0.1)
    answered.set()
    resolvers[0].join()


def test_an_aborted_scope_calls_nobody() -> None:
    scope = Scope()
    scope.abort(AbortReason.SHUTDOWN)
    with hostile.serving(hostile.answering(OK)) as server, pytest.raises(Aborted):
        http.call(http.Call(server.url, b"{}", {}), scope)
    assert server.requests == []


def test_aborts_at_any_moment_end_in_an_answer_or_an_abort() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        for _ in range(100):
            running = Running(server.url)
            running.scope.abort(AbortReason.CANCELLED)
            running._thread.join(10)
            assert all(isinstance(raised, Aborted) for raised in running.raised)
