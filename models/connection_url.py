"""Parses the DATABASE_URL of PostgreSQL by libpq itself: whatever psql takes means the same here.

Messages about faults never repeat the URL's values, which may be secret.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
from psycopg2 import extensions

SETTING = "DATABASE_URL"

_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)
_OFTEN_LIST = ("host", "hostaddr", "port")
_UTF8 = frozenset({"utf8", "utf-8", "unicode"})
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_ROOTS_OF_THE_SYSTEM = "system"
_WRITABLE = frozenset({"any", "read-write", "primary"})
_SHORTEST_CONNECT_SECONDS = 2  # libpq's own
_NOWHERE = "/nonexistent/carillon"  # a folder with no socket: libpq checks its parameters before it looks there
_UNKNOWN = re.compile(r'invalid URI query parameter: "([A-Za-z_]{1,40})"')
_SET_BY_OPTIONS = re.compile(r"(?:-c\s*|--)([A-Za-z][\w.-]*)\s*=")
_QUOTED = re.compile(r':? "[^"]*"')
_DEFAULTS = {
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


@dataclass(frozen=True)
class Address:
    """A parsed URL: libpq's parameters by name, each as it was given."""

    parameters: dict[str, str]

    @property
    def connect_seconds(self) -> float | None:
        """Returns the seconds to wait for one host, as libpq counts them (0 for ever); None if not given."""
        given = self.parameters.get("connect_timeout")
        if given is None:
            return None
        seconds = int(given)
        return 0.0 if seconds <= 0 else float(max(seconds, _SHORTEST_CONNECT_SECONDS))

    @property
    def options(self) -> str:
        """Returns the options that are passed on to the server: `-c name=value` and the like."""
        return self.parameters.get("options", "")

    @property
    def set_by_options(self) -> list[str]:
        """Returns the names of the server's settings that the options set."""
        return [name.lower().replace("-", "_") for name in _SET_BY_OPTIONS.findall(self.options)]

    def places(self, process_name: str) -> list[dict[str, str]]:
        """Returns the parameters of each host, in the order in which they are to be tried, with these added to each.

        One by one, because a program with its own wait callback cannot make libpq give up on a silent host.
        """
        added = {**_DEFAULTS, "application_name": f"carillon {process_name}"}
        several = list(self._each_host())
        if len(several) > 1:
            added["target_session_attrs"] = "primary"  # of several hosts, a writable one
        if self.parameters.get("load_balance_hosts") == "random":
            random.shuffle(several)
        return [{**added, **self.parameters, **place, "client_encoding": "UTF8"} for place in several]

    def _each_host(self) -> Iterator[dict[str, str]]:
        lists = {name: self.parameters[name].split(",") for name in _OFTEN_LIST if self.parameters.get(name)}
        count = max((len(lists[name]) for name in ("host", "hostaddr") if name in lists), default=1)
        for index in range(count):
            yield {name: words[index if len(words) > 1 else 0] for name, words in lists.items()}


def parse(url: str) -> Address:
    """Returns the parameters of a URL that has no faults."""
    return Address({name: str(value) for name, value in extensions.parse_dsn(url).items()})


def faults(url: str) -> list[str]:
    """Returns what is wrong with a URL, one line per fault. No host is looked up or contacted."""
    try:
        address = parse(url)
    except psycopg2.ProgrammingError as error:
        return [_unreadable(url, str(error))]
    return [f"{SETTING}: {fault}" for fault in _faults_of(address)]


def _faults_of(address: Address) -> Iterator[str]:
    given = address.parameters
    for name in _NUMBERS:
        if name in given and re.fullmatch(r"[+-]?[0-9]{1,9}", given[name].strip()) is None:
            yield f"the parameter {name} must be a whole number."
    if given.get("client_encoding", "utf8").lower() not in _UTF8:
        yield "client_encoding can only be UTF8; leave it out."
    if given.get("target_session_attrs", "any") not in _WRITABLE:
        yield "target_session_attrs must let the server be written to; use read-write or primary."
    if "replication" in given:
        yield "replication is for connections that replicate; leave it out."
    for name in _FILES:
        file = given.get(name, _ROOTS_OF_THE_SYSTEM)
        if file != _ROOTS_OF_THE_SYSTEM and not os.access(file, os.R_OK):
            yield f"{name} names a file that is not there, or that this user may not read."
    if complaint := _refused_by_libpq(given):
        yield complaint


def _refused_by_libpq(given: dict[str, str]) -> str | None:
    """Returns libpq's complaint about values, found by connecting to a socket that does not exist."""
    hosts = given.get("host") or given.get("hostaddr") or ""
    nowhere = ",".join(_NOWHERE for _ in hosts.split(","))
    tried = {name: value for name, value in given.items() if name not in ("hostaddr", "target_session_attrs")}
    try:
        psycopg2.connect(extensions.make_dsn(**{**tried, "host": nowhere}), async_=True).close()
    except psycopg2.OperationalError as error:
        complaint = str(error).strip().splitlines()[0]
        return None if _NOWHERE in complaint else f"{_QUOTED.sub('', complaint)}."
    return None


def _unreadable(url: str, complaint: str) -> str:
    found = _UNKNOWN.search(complaint)
    if found is None or "@" in url.rpartition(found[1])[2]:
        reason = _QUOTED.sub("", complaint.strip().removeprefix("invalid dsn: "))
        return f"{SETTING} cannot be read: {reason}; percent-encode what is no letter or digit in names and passwords."
    return (
        f"{SETTING} has the parameter {found[1]}, which libpq does not know; leave it out"
        f"{_REMEDIES.get(found[1], '')}, or see PostgreSQL's list of connection parameters."
    )


_REMEDIES = {
    "schema": ", and name a schema by options=-csearch_path%3DNAME",
    "search_path": ", and name a schema by options=-csearch_path%3DNAME",
    "pgbouncer": "; PgBouncer needs no such parameter",
}
