"""PostgreSQL and RabbitMQ for one run of the benchmarks, and an empty database and virtual host for each sample."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import requests

from bench import processor_time
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Yield a temporary folder that PostgreSQL, which runs as a user of its own, can reach."""
    with tempfile.TemporaryDirectory(prefix=f"carillon-{purpose}-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@contextmanager
def running(purpose: str) -> Iterator[tuple[Path, Servers]]:
    """Run PostgreSQL and RabbitMQ for the block, in a temporary folder. Yields the folder and both."""
    with temporary_folder(purpose) as folder:
        servers = Servers(folder)
        try:
            servers.start()
            yield folder, servers
        finally:
            servers.close()


@dataclass(frozen=True)
class Place:
    """An empty database and an empty virtual host."""

    database_url: str
    rabbitmq_url: str
    management_url: str

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement and commit. Returns its rows, if it has any."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def count(self, statement: str) -> int:
        """Returns the number that a statement counts."""
        return int(self.query(statement)[0][0])

    @contextmanager
    def counting(self) -> Iterator[Callable[[str], int]]:
        """Yield a function that returns the number a statement counts, over one connection: to watch costs little."""
        with self.connection() as connection, connection.cursor() as cursor:

            def count(statement: str) -> int:
                cursor.execute(statement)
                return int(cursor.fetchone()[0])

            yield count

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Connect for the block, in autocommit mode."""
        with contextlib.closing(psycopg2.connect(self.database_url)) as connection:
            connection.autocommit = True
            yield connection


class Servers:
    """A durable PostgreSQL and a RabbitMQ of our own."""

    def __init__(self, folder: Path) -> None:
        self._postgres = PrivatePostgres(folder / "postgres", durable=True)
        self._rabbit = PrivateRabbit(folder / "rabbitmq")
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Return when both answer."""
        self._postgres.start()
        self._rabbit.start()

    def close(self) -> None:
        """Stop both."""
        self._postgres.close()
        self._rabbit.close()

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Create an empty database and virtual host, and drop both after the block."""
        name = f"bench{next(self._numbers)}"
        url = self._postgres.create_database(name)
        place = Place(url, self._rabbit.create_vhost(name), self._rabbit.management_url)
        try:
            yield place
        finally:
            self._drop(name)

    def restart_postgresql(self) -> None:
        """Shut PostgreSQL down at once, start it again, and return when it answers."""
        self._postgres.restart()

    def pids(self) -> dict[str, int]:
        """Returns the process of each server."""
        found = {"postgresql": self._postgres.pid, "rabbitmq": self._rabbit.pid}
        return {name: pid for name, pid in found.items() if pid is not None}

    def processor_times(self) -> dict[str, Callable[[], float]]:
        """Returns, for each server, a function that reads its processor seconds."""
        return {"postgresql": lambda: _taken(self._postgres.pid), "rabbitmq": lambda: _taken(self._rabbit.pid)}

    def _drop(self, name: str) -> None:
        with contextlib.closing(psycopg2.connect(self._postgres.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        requests.delete(f"{self._rabbit.management_url}/api/vhosts/{name}", timeout=60).raise_for_status()


def _taken(pid: int | None) -> float:
    return 0.0 if pid is None else processor_time.of_trees([pid])
