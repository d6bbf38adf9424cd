"""Private servers survive being killed, keep their addresses, and leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pika
import psycopg2
import pytest

from local import ports
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from models import statement_timeout
from processes import programs
from tests.waiting import LONGEST, until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres(durable=True) as server:
        yield server


@pytest.fixture(scope="module")
def rabbit() -> Iterator[PrivateRabbit]:
    with PrivateRabbit() as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's own user can reach; pytest's are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="carillon-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def query(url: str, sql: str, connect_seconds: int = LONGEST) -> list[tuple[object, ...]]:
    with contextlib.closing(psycopg2.connect(url, connect_timeout=connect_seconds)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


def family(server: PrivatePostgres | PrivateRabbit) -> list[int]:
    assert server.pid
    return [server.pid, *programs.descendants(server.pid)]


def test_committed_data_survives_a_kill_and_nothing_else_does(postgres: PrivatePostgres) -> None:
    query(postgres.url, "CREATE TABLE kept AS SELECT 1 AS value")
    before, url = family(postgres), postgres.url
    with contextlib.closing(psycopg2.connect(postgres.url)):
        postgres.kill()
    programs.wait_until_gone(before, timeout_seconds=0)
    postgres.start()
    assert postgres.url == url
    assert query(url, "SELECT value FROM kept") == [(1,)]


def test_a_database_is_made_once(postgres: PrivatePostgres) -> None:
    url = postgres.create_database("another")
    assert postgres.create_database("another") == url
    assert query(url, "SELECT current_database()") == [("another",)]


def test_a_frozen_server_says_nothing_until_it_is_thawed(postgres: PrivatePostgres) -> None:
    postgres.freeze()
    with statement_timeout.connecting(1), pytest.raises(psycopg2.OperationalError, match=r"timeout|no answer"):
        query(postgres.url, "SELECT 1", connect_seconds=1)
    postgres.thaw()
    assert query(postgres.url, "SELECT 1") == [(1,)]


def test_the_broker_comes_back_on_the_same_port_with_its_queues(rabbit: PrivateRabbit) -> None:
    url = rabbit.create_vhost("some tests")
    before = family(rabbit)
    rabbit.kill()
    programs.wait_until_gone(before, timeout_seconds=0)
    rabbit.start()
    declare(url, passive=False)
    rabbit.restart()  # in order: RabbitMQ itself may forget a queue that was declared just before a kill
    declare(url, passive=True)


def declare(url: str, *, passive: bool) -> None:
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        connection.channel().queue_declare("kept", durable=True, passive=passive)


@pytest.mark.parametrize(("number", "kept"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_nothing_runs_after_the_command_or_a_signal(number: signal.Signals, kept: bool, folder: Path) -> None:
    """A stray child of the command, in a session of its own, ends as well."""
    script = 'setsid sleep 600 & echo "$! $$ $TEST_DATABASE_URL $TEST_RABBITMQ_URL"; kill -$0 $PPID; exec sleep 600'
    command = ["sh", "-c", script, str(int(number))]
    options = ["--folder", str(folder)] if kept else []
    with subprocess.Popen(
        [sys.executable, "-m", "local.servers", *options, "--", *command],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("TEST_")},
        stdout=subprocess.PIPE,
        text=True,
    ) as servers:
        assert servers.stdout is not None
        stray, asked, *urls = servers.stdout.readline().split()
        if number == signal.SIGINT:  # a terminal would send it to the command as well
            os.kill(int(asked), signal.SIGTERM)
        status = servers.wait(LONGEST)
    assert status == 128 + signal.SIGTERM
    programs.wait_until_gone([int(stray)], timeout_seconds=LONGEST)
    for url in urls:  # somebody else may have the port for a moment, by then
        port = int(url.split(":")[-1].partition("/")[0])
        until(lambda port=port: ports.is_free(port), f"port {port} to be free")  # type: ignore[misc]
