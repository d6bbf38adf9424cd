"""The database's surroundings: its defaults change no promise; what cannot work is one line with its remedy."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg2
import pytest

from core.errors import DatabaseUnavailable, Misconfigured
from core.filters import JobFilter
from local.postgres import PrivatePostgres
from migrations import large_indexes, runner
from models import database, lists, statement_timeout
from models.postgresql import TIME_OUTS
from models.tables import App, db
from tests.factories import NOON
from tests.servers import needed

pytestmark = pytest.mark.servers

Make = Callable[..., str]
ODD_DEFAULTS = (
    "default_transaction_isolation = 'serializable'",
    "default_transaction_read_only = on",
    "client_encoding = 'LATIN1'",
    "standard_conforming_strings = off",
    "bytea_output = 'escape'",
    "timezone = 'Asia/Kathmandu'",
    "datestyle = 'SQL, DMY'",
    "intervalstyle = 'sql_standard'",
    "extra_float_digits = -10",
    "statement_timeout = '1h'",
    "lock_timeout = '1h'",
    "idle_in_transaction_session_timeout = 0",
    "search_path = own, public",
)
TEXT = "größe \\ ' \" \\' 日本 \N{BELL}"


def run(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)


def sibling(url: str, database_name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(database_name, safe='')}"))


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes databases of the kind asked for, with these defaults; dropped afterwards."""
    server, made = needed("TEST_DATABASE_URL"), list[str]()

    def create(*defaults: str, kind: str = "", name: str = "", schema: str = "public") -> str:
        called = name or f"carillon_odd_{uuid4().hex[:8]}"
        made.append(called)
        run(server, f'CREATE DATABASE "{called}" {kind}')
        run(sibling(server, called), f"CREATE SCHEMA IF NOT EXISTS {schema}")
        run(server, *(f'ALTER DATABASE "{called}" SET {default}' for default in defaults))
        return sibling(server, called)

    yield create
    database.disconnect()
    for called in made:
        run(server, f'DROP DATABASE "{called}" WITH (FORCE)')


@pytest.fixture
def powerless(make: Make) -> Iterator[tuple[str, str]]:
    """A database, and its URL for a role that may do nothing there but connect."""
    url, role = make(), f"carillon_odd_{uuid4().hex[:8]}"
    run(url, f"CREATE ROLE {role} LOGIN PASSWORD 'p%/@'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    server = urlsplit(url)
    yield url, urlunsplit(server._replace(netloc=f"{role}:p%25%2F%40@{server.hostname}:{server.port}"))
    database.disconnect()
    run(url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def refused(url: str) -> str:
    """The one line with which a database is refused."""
    database.connect(url, "test")
    with pytest.raises(Misconfigured) as fault:
        runner.upgrade()
    [line] = str(fault.value).splitlines()
    return line


def shown(setting: str) -> str:
    """What a setting of the server's is in a transaction that writes."""
    with database.transaction():
        return str(db.execute_sql(f"SHOW {setting}").fetchone()[0])


def test_the_databases_own_defaults_change_nothing(make: Make) -> None:
    database.connect(make(*ODD_DEFAULTS, schema="own"), "test")
    assert runner.upgrade()
    with database.transaction():
        App.create(id=uuid4(), name=TEXT, created_at=NOON, updated_at=NOON)
    with database.reading():
        assert [(app.name, app.created_at) for app in App.select()] == [(TEXT, NOON)]
    assert shown("transaction_isolation") == "read committed"
    assert shown("transaction_read_only") == "off"
    assert database.rows("SELECT current_setting('transaction_isolation')") == [("read committed",)]
    assert (shown("timezone"), shown("intervalstyle"), shown("extra_float_digits")) == ("UTC", "postgres", "1")
    assert {name: shown(name) for name in TIME_OUTS} == TIME_OUTS
    assert shown("client_encoding") == "UTF8"


def test_nothing_of_a_transaction_is_left_in_a_session_that_others_may_get(make: Make) -> None:
    database.connect(make("statement_timeout = '7s'"), "test")
    with database.transaction():
        pass
    assert db.execute_sql("SHOW statement_timeout").fetchone()[0] == "7s"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_text_is_refused(make: Make, encoding: str) -> None:
    line = refused(make(kind=f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"))
    assert f"has the encoding {encoding}" in line
    assert "ENCODING 'UTF8'" in line


def test_a_search_path_that_leads_nowhere_is_refused(make: Make) -> None:
    assert "search_path=nowhere names no schema" in refused(make("search_path = nowhere"))


def test_tables_of_something_else_are_left_alone(make: Make) -> None:
    url = make()
    run(url, "CREATE TABLE jobs (id INTEGER)")
    assert "the schema holds tables of something else" in refused(url)


def test_who_may_not_create_tables_is_told_what_to_grant(powerless: tuple[str, str]) -> None:
    line = refused(powerless[1])
    assert "GRANT USAGE, CREATE ON SCHEMA public TO carillon_odd_" in line


def test_a_role_that_may_read_and_write_needs_no_more_once_the_tables_are_there(powerless: tuple[str, str]) -> None:
    owners, url = powerless
    database.connect(owners, "test")
    assert runner.upgrade()
    database.disconnect()
    role = urlsplit(url).username
    assert "permission denied for table schema_migration" in refused(url)
    run(owners, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    assert "GRANT SELECT, INSERT, UPDATE, DELETE" in refused(url)
    database.disconnect()
    run(owners, f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    database.connect(url, "test")
    assert runner.upgrade() == []


def test_a_role_that_may_not_make_extensions_has_searches_without_an_index_until_it_has_one(
    powerless: tuple[str, str],
) -> None:
    owners, url = powerless
    run(owners, f"GRANT USAGE, CREATE ON SCHEMA public TO {urlsplit(url).username}")
    database.connect(url, "test")
    assert "0034_search" in runner.upgrade()
    with database.reading():
        assert lists.job_count(JobFilter(search="nightly")) == 0
    others = [index.name for index in large_indexes.INDEXES if not index.needs_extension]
    assert large_indexes.build() == others
    run(owners, "CREATE SCHEMA extensions", "CREATE EXTENSION pg_trgm SCHEMA extensions")
    run(owners, f"GRANT USAGE ON SCHEMA extensions TO {urlsplit(url).username}")
    assert large_indexes.build() == ["jobs_searched"]


@pytest.mark.parametrize("name", ["my db", "größe", "a/b%c+d"])
def test_a_name_may_hold_anything_that_is_percent_encoded(make: Make, name: str) -> None:
    unlike = f"{name} {uuid4().hex[:8]}"
    database.connect(make(name=unlike), "test")
    assert runner.upgrade()


@pytest.mark.parametrize(
    ("query", "setting", "value"),
    [
        ("application_name=mine", "application_name", "mine"),
        ("options=-csearch_path%3Dmine", "search_path", "mine"),
        ("options=-c%20lock_timeout%3D3s", "lock_timeout", "3s"),
    ],
)
def test_what_the_url_asks_of_the_server_is_so(make: Make, query: str, setting: str, value: str) -> None:
    database.connect(f"{make(schema='mine')}?{query}", "test")
    assert runner.upgrade()
    assert shown(setting) == value


@pytest.mark.parametrize("query", ["options=-c%20nonsense%3D1", "sslmode=require"])
def test_what_the_server_does_not_do_is_one_line(make: Make, query: str) -> None:
    assert refused(f"{make()}?{query}").startswith("DATABASE_URL asks for something that the server refuses")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield int(listening.getsockname()[1])


def test_of_several_hosts_one_that_is_silent_or_away_is_passed_over(
    make: Make, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_timeout, "CONNECT_SECONDS", 5.0)
    server = urlsplit(make())
    user, _, place = server.netloc.rpartition("@")
    several = server._replace(netloc=f"{user}@127.0.0.1:1,127.0.0.1:{silent_port},{place}")
    database.connect(urlunsplit(several), "test")
    assert runner.upgrade()


def test_a_host_that_is_silent_is_given_up_as_soon_as_the_url_says(
    silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_timeout, "CONNECT_SECONDS", 300.0)
    database.connect(f"postgresql://127.0.0.1:{silent_port}/db?connect_timeout=2", "test")
    with pytest.raises(DatabaseUnavailable, match="no answer from PostgreSQL within 2 s"):
        runner.upgrade()


class Follower(PrivatePostgres):
    """A server that follows another one from its second start on, and cannot be written to."""

    def create_database(self, name: str) -> str:
        return self._url_of(name) if self._signal.exists() else super().create_database(name)

    def follow(self) -> None:
        self.stop()
        self._signal.touch()
        shutil.chown(self._signal, self._data.owner())
        self.start()

    @property
    def _signal(self) -> Path:
        return self._data / "standby.signal"


@pytest.fixture(scope="module")
def standby() -> Iterator[str]:
    """The URL of a standby."""
    with Follower(durable=False) as server:
        server.follow()
        yield server.url


def test_a_standby_is_refused(standby: str) -> None:
    assert "leads to a standby, which cannot be written to" in refused(standby)
    database.disconnect()


def test_of_a_standby_and_a_primary_the_primary_is_taken(make: Make, standby: str) -> None:
    primary, other = urlsplit(make()), urlsplit(standby)
    user, _, place = primary.netloc.rpartition("@")
    netloc = f"{user}@{other.hostname}:{other.port},{place}"
    database.connect(urlunsplit(primary._replace(netloc=netloc)), "test")
    assert runner.upgrade()
