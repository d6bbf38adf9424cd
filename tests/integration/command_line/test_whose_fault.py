"""The command line says whose fault it is: one line, 2 for what the user gave, 1 for what answers or does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client import server
from tests.factories import given_system
from tests.integration.command_line.terminal import Terminal, listening

NEEDED = ("--app", "app_a", "--account", "acc1", "--user", "user1", "--task-type", "greet")
NOWHERE = "http://127.0.0.1:9"
UMLAUTS = "p\u00e4ssw\u00f6rd \u043f\u0430\u0440\u043e\u043b\u044c"
FILE = """\
app: a
jobs:
  - name: n
    account_id: 1
    user_id: 1
    task_type: t
    schedule: {type: immediate}
    data:
"""


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of what takes one request and sends these bytes, then closes; for none it never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(65_536)
                if answer:
                    line.sendall(answer)
                else:
                    line.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def http(status: str, body: str, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close", *headers, "", body)
    return "\r\n".join(lines).encode()


def told(terminal: Terminal, *words: str, code: int) -> str:
    """The one line that a command tells."""
    text = terminal.refused(*words, code=code)
    assert len(text.splitlines()) == 1
    return text


# --- What the user gave ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["a\nb", "a\rb", "a\0b", "a\x7fb", "a\udcffb"])
def test_a_secret_that_cannot_be_sent_is_named_and_not_shown(secret: str) -> None:
    line = told(Terminal(NOWHERE, secret), "jobs", "list", code=2)
    assert line.startswith("INTERNAL_SECRET ")
    assert "a" + secret[1] not in line


@pytest.mark.parametrize("secret", [UMLAUTS, f"  {UMLAUTS}\n"])
def test_a_secret_in_any_script_is_shown_to_the_server_as_it_reads_its_own(sqlite: str, secret: str) -> None:
    with listening(given_system(internal_secret=UMLAUTS)) as url:
        assert Terminal(url, secret).json("jobs", "list") == []
        assert "INTERNAL_SECRET" in Terminal(url, "\u043f").refused("jobs", "list")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("127.0.0.1:8000", "http://"),
        ("ftp://127.0.0.1", "http://"),
        ("http://", "host"),
        ("http://127.0.0.1:99999", "port"),
        ("http://127.0.0.1:0", "port"),
        ("http://127.0.0.1:http", "port"),
        ("http://[::1", "IPv6"),
        ("http://127.0.0.1:9/?a=1", "query"),
        ("http://127.0.0.1\n:9", "line end"),
        ("http://a b", "host"),
        ("http://a\udcff", "UTF-8"),
        (f"http://{'a' * 70}.example", "address"),
    ],
)
def test_an_address_that_is_none_is_told_with_where_it_is_from(url: str, word: str) -> None:
    by_environment = told(Terminal(url), "jobs", "list", code=2)
    by_option = told(Terminal(NOWHERE), "jobs", "list", "--url", url, code=2)
    assert word in by_environment
    assert word in by_option
    if word != "address":
        assert by_environment.startswith("CARILLON_URL")
        assert by_option.startswith("--url")


def test_what_surrounds_an_address_does_not_matter(url: str) -> None:
    assert Terminal(f" {url}/\n").json("jobs", "list") == []


def test_a_password_in_an_address_is_not_shown() -> None:
    for address in ("http://user:hidden@127.0.0.1:9", "http://user:hidden@127.0.0.1:99999"):
        assert "hidden" not in Terminal(address).run("jobs", "list").output


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ('{"x": NaN}', "x is NaN"),
        ('{"x": [1, 1e999]}', "x.1 is 1e999"),
        ('{"x": {"y": 1, "y": 2}}', "x.y is given more than once"),
        ('{"x": "\\ud800"}', "x holds half a surrogate pair"),
        ("{", "neither JSON"),
        ("@/nowhere.json", "No such file"),
    ],
)
def test_data_that_is_no_json_is_told_with_its_place(data: str, word: str) -> None:
    line = Terminal(NOWHERE).refused("jobs", "create", *NEEDED, "--now", "--data", data, code=2)
    assert word in line
    assert "--data" in line


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("--retry-backoff-base", "nan"), "retry_backoff_base is nan"),
        (("--time-limit", "inf"), "time_limit_seconds is inf"),
        (("--idempotency-key", "a\nb"), "Idempotency-Key holds a line end"),
    ],
)
def test_an_option_that_cannot_be_sent_is_told_by_its_field(words: tuple[str, ...], word: str) -> None:
    assert word in told(Terminal(NOWHERE), "jobs", "create", *NEEDED, "--now", *words, code=2)


@pytest.mark.parametrize(
    ("data", "line", "word"),
    [
        ("      a: [1, 1.0e+999]", 9, "jobs.0.data.a.1 is inf"),
        ('      a: "\\ud800"', 9, "half a surrogate pair"),
        ("      a: 1\n      a: 2", 10, "given twice"),
        ("      a: [", 10, ""),
        ("      a: \x01", 1, "not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line(tmp_path: Path, data: str, line: int, word: str) -> None:
    (tmp_path / "jobs.yaml").write_text(f"{FILE}{data}\n")
    text = told(Terminal(NOWHERE), "apply", str(tmp_path / "jobs.yaml"), "--yes", code=2)
    assert text.startswith(f"jobs.yaml, line {line}: ")
    assert word in text


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_bytes(b"app: \xff")
    assert "cannot be read" in told(Terminal(NOWHERE), "apply", str(tmp_path / "jobs.yaml"), code=2)


def test_a_byte_order_mark_before_a_file_is_passed_over(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_bytes(b"\xef\xbb\xbf" + f"{FILE}      a: \u6f22\n".encode())
    assert "a/n is created." in terminal.ok("apply", str(tmp_path / "jobs.yaml"), "--yes")


def test_large_data_in_any_script_is_created_exported_and_applied(terminal: Terminal, tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text('{"t": "' + "\u6f22" * 300_000 + '"}')
    terminal.create("--every", "1h", "--name", "large", "--data", f"@{data}")
    out = tmp_path / "jobs.yaml"
    terminal.ok("export", "--file", str(out))
    assert terminal.ok("apply", str(out)) == "Nothing to do.\n"
    out.write_text(out.read_text() + "  priority: 9\n")
    assert "is changed" in terminal.ok("apply", str(out), "--yes")


# --- What answers, or does not ---------------------------------------------------------------------------------

PAGE = "<html>Welcome</html>"


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (http("200 OK", PAGE), "does not speak Carillon's API (status 200)"),
        (http("200 OK", '{"status": "ok"}'), "does not speak Carillon's API (status 200)"),
        (http("200 OK", "[1]"), "does not speak Carillon's API (status 200)"),
        (http("200 OK", "[" * 100_000), "does not speak Carillon's API (status 200)"),
        (http("204 No Content", ""), "does not speak Carillon's API (status 204)"),
        (http("404 Not Found", PAGE), "does not speak Carillon's API (status 404)"),
        (http("502 Bad Gateway", PAGE), "A proxy answers"),
        (http("504 Gateway Timeout", ""), "A proxy answers"),
        (http("301 Moved", PAGE, "Location: https://new.example/"), "redirects to 'https://new.example/'"),
        (b"220 mail.example.com ESMTP\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "breaks the connection off"),
    ],
)
def test_what_answers_and_is_no_carillon_is_told_as_that(answer: bytes, word: str) -> None:
    with answering(answer) as url:
        line = told(Terminal(url), "jobs", "list", code=1)
    assert word in line
    assert "No server answers" not in line


def test_a_problem_of_another_kind_of_api_is_told() -> None:
    odd = '{"title": "Odd", "errors": {"x": ["is wrong"]}, "detail": "All of it."}'
    with answering(http("400 Bad Request", odd)) as url:
        assert Terminal(url).refused("jobs", "list") == "Odd (400).\nAll of it.\n"


def test_a_server_that_is_silent_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TIMEOUT_SECONDS", (5.0, 0.1))
    with answering(b"") as url:
        assert "does not answer in time" in told(Terminal(url), "jobs", "list", code=1)


@pytest.mark.parametrize(
    ("address", "beginning"), [(NOWHERE, "No server answers"), ("http://nowhere.invalid", "The host's name")]
)
def test_where_nothing_listens_is_told(address: str, beginning: str) -> None:
    assert told(Terminal(address), "jobs", "list", code=1).startswith(beginning)


def test_tls_to_a_server_without_it_is_told() -> None:
    with answering(http("400 Bad Request", PAGE)) as url:
        line = told(Terminal(url.replace("http:", "https:")), "jobs", "list", code=1)
    assert "TLS" in line


def test_a_proxy_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "HTTP_PROXY" in told(Terminal("http://carillon.example"), "jobs", "list", code=1)
