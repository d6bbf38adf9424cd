"""DATABASE_URL: it means what libpq says; what cannot be honoured is told in one line, without what the URL holds."""

from __future__ import annotations

from typing import Any

import pytest

from models import connection_url

SECRET = "hunter2"  # noqa: S105  what must not be shown


def places(url: str) -> list[dict[str, str]]:
    assert connection_url.faults(url) == []
    return connection_url.parse(url).places("test")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://a:p%40ss%2Fw%3Ard%231@h/my%20db", {"user": "a", "password": "p@ss/w:rd#1", "dbname": "my db"}),
        ("postgres://us%20er%40corp:a%2Bb%25c@h/gr%C3%B6%C3%9Fe", {"user": "us er@corp", "password": "a+b%c"}),
        ("postgresql://h/gr%C3%B6%C3%9Fe", {"dbname": "größe"}),
        ("postgresql://u:hunter2#x@h/db", {"password": "hunter2#x"}),
        ("postgresql://u:@[fd00::1]:5433/db", {"user": "u", "host": "fd00::1", "port": "5433"}),
        ("postgresql:///db?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "db"}),
        ("postgresql://%2Frun%2Fpostgresql/db", {"host": "/run/postgresql"}),
        ("postgresql://h/db?sslmode=disable&application_name=mine", {"sslmode": "disable", "application_name": "mine"}),
        ("postgresql://h/db?options=-csearch_path%3Dmine", {"options": "-csearch_path=mine"}),
        ("postgresql://h/db?tcp_user_timeout=7000&keepalives=0", {"tcp_user_timeout": "7000", "keepalives": "0"}),
        ("postgresql://h/db?client_encoding=utf-8", {"client_encoding": "UTF8"}),
        ("postgresql://h/db", {"application_name": "carillon test", "client_encoding": "UTF8"}),
    ],
)
def test_what_is_given_is_kept_as_libpq_reads_it(url: str, says: dict[str, str]) -> None:
    [place] = places(url)
    assert {name: place[name] for name in says} == says


def test_nothing_is_asked_for_at_start_up_that_a_pooler_refuses() -> None:
    [place] = places("postgresql://h/db")
    assert "options" not in place


@pytest.mark.parametrize(
    ("url", "tried"),
    [
        ("postgresql://h1:1,h2:2/db", [("h1", "1"), ("h2", "2")]),
        ("postgresql://h1,h2/db?port=5433", [("h1", "5433"), ("h2", "5433")]),
        ("postgresql:///db?host=h1,h2&port=1,2", [("h1", "1"), ("h2", "2")]),
        ("postgresql://[::1]:1,h2:2/db", [("::1", "1"), ("h2", "2")]),
    ],
)
def test_several_hosts_are_tried_in_their_order_for_one_that_can_be_written_to(
    url: str, tried: list[tuple[str, str]]
) -> None:
    found = places(url)
    assert [(place["host"], place["port"]) for place in found] == tried
    assert {place["target_session_attrs"] for place in found} == {"primary"}


def test_which_of_several_hosts_is_wanted_is_kept_where_it_can_be_written_to() -> None:
    assert places("postgresql://h1,h2/db?target_session_attrs=read-write")[1]["target_session_attrs"] == "read-write"


@pytest.mark.parametrize(("given", "seconds"), [("", None), ("?connect_timeout=1", 2), ("?connect_timeout=0", 0)])
def test_a_host_is_waited_for_as_long_as_libpq_would(given: str, seconds: float | None) -> None:
    assert connection_url.parse(f"postgresql://h/db{given}").connect_seconds == seconds


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("schema=x", "DATABASE_URL has the parameter schema, which libpq does not know"),
        ("pgbouncer=true", "DATABASE_URL has the parameter pgbouncer"),
        ("autoconnect=false", "DATABASE_URL has the parameter autoconnect"),
        ("sslmode=perhaps", "DATABASE_URL: invalid sslmode value"),
        ("sslmode", "DATABASE_URL cannot be read: missing key/value separator"),
        ("connect_timeout=abc", "DATABASE_URL: the parameter connect_timeout must be a whole number"),
        ("tcp_user_timeout=1s", "DATABASE_URL: the parameter tcp_user_timeout must be a whole number"),
        ("port=0", "DATABASE_URL: invalid port number"),
        ("host=h1,h2&port=1,2,3", "DATABASE_URL: could not match 3 port numbers to 2 hosts"),
        ("client_encoding=latin1", "DATABASE_URL: client_encoding can only be UTF8"),
        ("target_session_attrs=standby", "DATABASE_URL: target_session_attrs must let the server be written to"),
        ("target_session_attrs=any-of-them", "DATABASE_URL: target_session_attrs must"),
        ("replication=database", "DATABASE_URL: replication is for connections that replicate"),
        ("sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "DATABASE_URL: sslrootcert names a file that is not there"),
        ("service=nowhere", "DATABASE_URL: definition of service not found"),
    ],
)
def test_what_cannot_be_honoured_is_one_line(query: str, says: str) -> None:
    [line] = connection_url.faults(f"postgresql://u:{SECRET}@h/db?{query}")
    assert line.startswith(says)
    assert line.endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@h:port/db",
        f"postgresql://u:{SECRET}%4@h/db",
        f"postgresql://u:{SECRET}@[::1/db",
        f"postgresql://u:a/{SECRET}@h/db",
        f"postgresql://u:{SECRET}/a@h/db",
        f"postgresql://u:a/b?{SECRET}=1@h/db",
        f"postgresql://h/db?{SECRET}",
        f"postgresql://h/db?sslmode={SECRET}",
        f"postgresql://h/db?password={SECRET}&sslkey={SECRET}",
    ],
)
def test_no_fault_tells_what_the_url_holds(url: str) -> None:
    lines = connection_url.faults(url)
    assert lines
    assert SECRET not in "\n".join(lines)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("", []),
        ("-csearch_path=a -c lock_timeout=3s", ["search_path", "lock_timeout"]),
        ("--statement-timeout=5s -e", ["statement_timeout"]),
    ],
)
def test_what_options_set_is_known_by_name(options: str, names: list[str]) -> None:
    given: dict[str, Any] = {"options": options}
    assert connection_url.Address(given).set_by_options == names
