"""Databases and brokers for tests: real servers, a database for each test process, a virtual host for each test."""

from __future__ import annotations

import functools
import gc
import itertools
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import peewee
import pytest
import structlog
from argon2 import PasswordHasher

from core import json_text
from local import ports
from migrations import large_indexes, runner
from models import database, statement_timeout
from models import postgresql as postgresql_database
from models.tables import ALL, AuditEntry, db
from processes import zones
from services.access import passwords
from services.runtime import database_troubles, logs
from services.task_types import filling, registry
from tests import factories, quick_routers
from tests.factories import GivenSystem, given_system
from tests.ports import own_slice
from tests.servers import new_database, virtual_host

structlog.configure(processors=[*structlog.get_config()["processors"][:-1], logs.READABLE])

# As every process does: tests read the zones that users get, not those of the machine.
zones.pin()

# How long an example takes says how busy the machine is, and nothing about Carillon.
hypothesis.settings.register_profile("carillon", deadline=None)
hypothesis.settings.load_profile("carillon")

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_NUMBERS = itertools.count()
OF_SERVERS = {"postgresql", "kept_postgresql", "rabbitmq_url"}  # the fixtures that lead to the real servers

# Tests that let sessions wait for each other do so on machines that are busy with other tests. As in production, each
# limit is longer than those within it.
postgresql_database.TIME_OUTS.update(
    lock_timeout="55s", statement_timeout="58s", idle_in_transaction_session_timeout="59s"
)
statement_timeout.LIMIT_SECONDS = statement_timeout.CONNECT_SECONDS = database._TURN_SECONDS = 60.0

_mine = own_slice(ports.FIRST_PORT, ports.LAST_PORT)
ports.FIRST_PORT, ports.LAST_PORT = _mine.start, _mine.stop


@dataclass(frozen=True)
class KeptDatabase:
    """A database to which the connection stays open from test to test: what the server looks up is looked up once."""

    url: str
    database: peewee.Database

    def point_to(self) -> None:
        """Point the tables at this database."""
        db.initialize(self.database)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-servers", action="store_true", help="only tests on SQLite and the in-process broker")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers: asks for real servers by itself, not through a fixture")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from looking through the tests, again and again, while they are collected and run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--without-servers"):
        deselected = [item for item in items if _needs_servers(item)]
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in set(deselected)]


def _needs_servers(item: pytest.Item) -> bool:
    """Whether a test works on PostgreSQL or RabbitMQ."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker("servers"):
        return True
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return POSTGRESQL in list(parameters) or not OF_SERVERS.isdisjoint(item.fixturenames)


@pytest.fixture(scope="session")
def kept_postgresql(worker_id: str) -> Iterator[KeptDatabase]:
    """A database of this test process's own with the newest schema, and a connection to it, dropped afterwards."""
    with new_database(f"carillon_test_{worker_id}") as url:
        database.connect(url, "test")
        runner.upgrade()
        large_indexes.build()
        kept = KeptDatabase(url, db.obj)
        yield kept
        kept.point_to()
        database.disconnect()


@pytest.fixture
def rabbitmq_url() -> Iterator[str]:
    """A virtual host of this test's own, deleted afterwards."""
    with virtual_host() as url:
        yield url


@pytest.fixture(autouse=True)
def _files_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a folder of its own for files, apart from tests before it and beside it."""
    monkeypatch.setattr(factories, "own_data_dir", tmp_path_factory.getbasetemp() / f"data-{next(_NUMBERS)}")


@pytest.fixture(autouse=True)
def _nothing_slow_is_checked_in_a_transaction(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail tests in which what may take seconds is checked while a transaction is open: others wait for its locks."""
    within: list[str] = []
    for module, name in ((registry, "validate"), (filling, "check"), (json_text, "parse")):
        monkeypatch.setattr(module, name, _watched(getattr(module, name), within))
    yield
    assert not within, "check these before the transaction, or by slow_checks where only the transaction knows them"


def _watched(check: Callable[..., object], within: list[str]) -> Callable[..., object]:
    """Returns a check that notes its calls within transactions: if it raised, a validator would make that a refusal."""

    @functools.wraps(check)
    def watched(*given: object) -> object:
        if db.obj is not None and db.in_transaction():
            within.append(f"{check.__module__}.{check.__name__}")
        return check(*given)

    return watched


@pytest.fixture(autouse=True)
def _no_trouble_is_left() -> Iterator[None]:
    """End what a test has noted of its database: the troubles are those of the whole process."""
    yield
    for noticed_by in list(database_troubles.troubles._present):
        database_troubles.troubles.end(noticed_by)


@pytest.fixture(scope="session", autouse=True)
def quickened() -> Iterator[pytest.MonkeyPatch]:
    """Build the routers of apps quickly in every test; the patch that does it."""
    with pytest.MonkeyPatch.context() as patch:
        quick_routers.install(patch)
        yield patch


@pytest.fixture(scope="session", autouse=True)
def production_hasher() -> Iterator[PasswordHasher]:
    """Hash passwords with the least effort in every test; the hasher that users get, for the test of its effort."""
    production = passwords.hasher
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", quick)
        patch.setattr(passwords, "nobodys_hash", quick.hash("nobody's"))
        yield production


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the newest schema, to be copied: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "carillon.db"
    database.connect(f"sqlite:///{file}", "test")
    runner.upgrade()
    database.disconnect()
    return file


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> str:
    """An empty database with the newest schema, once of each kind; its URL."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def postgresql(kept_postgresql: KeptDatabase) -> Iterator[str]:
    """An empty PostgreSQL database with the newest schema; its URL."""
    kept_postgresql.point_to()
    _empty()
    yield kept_postgresql.url
    if db.obj is not kept_postgresql.database or db.in_transaction():
        database.disconnect()


@pytest.fixture
def sqlite(tmp_path: Path, migrated_file: Path) -> Iterator[str]:
    """An empty SQLite database with the newest schema; its URL."""
    file = tmp_path / "carillon.db"
    shutil.copyfile(migrated_file, file)
    url = f"sqlite:///{file}"
    database.connect(url, "test")
    yield url
    database.disconnect()


@pytest.fixture
def system(store: str) -> GivenSystem:
    """A system on an empty database, its clock at noon."""
    return given_system()


def _empty() -> None:
    """Delete the rows that the test before left: quicker than to truncate every table for the few that have any."""
    tables = ALL[::-1]  # a table refers to tables before it
    questions = ", ".join(f"EXISTS (SELECT FROM {table._meta.table_name})" for table in tables)
    with database.transaction():
        filled = db.execute_sql(f"SELECT {questions}").fetchone()
        for table, has_rows in zip(tables, filled, strict=True):
            if has_rows and table is AuditEntry:
                _delete_audit()
            elif has_rows:
                table.delete().execute()
        db.execute_sql("UPDATE installation SET paused_at = NULL, timezone_data = NULL")
        db.execute_sql("UPDATE installation SET mark = 0, marked_at = NULL, home = NULL")
        db.execute_sql("UPDATE installation SET restored_at = NULL, holding_since = NULL")


def _delete_audit() -> None:
    """Delete the entries of the audit log, which the database refuses to anybody but its owner."""
    db.execute_sql("ALTER TABLE audit DISABLE TRIGGER audit_kept")
    AuditEntry.delete().execute()
    db.execute_sql("ALTER TABLE audit ENABLE TRIGGER audit_kept")
