"""A Carillon whose processes have a health port each, and a Prometheus that scrapes all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2

from local.rabbitmq import PrivateRabbit
from tests.acceptance.installation import Installation
from tests.acceptance.prometheus import Prometheus
from tests.acceptance.queues import consumers
from tests.servers import needed, new_database
from tests.waiting import until

PROCESSES = {
    "web": "web",
    "worker1": "worker",
    "worker2": "worker",
    "coordinator": "coordinator",
    "periodic": "periodic",
}


@dataclass(frozen=True)
class Monitored:
    """The processes by the names under which Prometheus knows them, and what they use."""

    processes: Mapping[str, Installation]
    prometheus: Prometheus
    rabbit: PrivateRabbit
    database_url: str
    fired: set[str] = field(default_factory=set)  # alarms that were set off

    @property
    def web(self) -> Installation:
        return self.processes["web"]

    def scraped_again(self) -> None:
        """Return when each process has been scraped after this instant."""
        query = f"count(timestamp(up) > {time.time()} and up == 1)"
        until(lambda: self.prometheus.figures(query) == {(): len(self.processes)}, "every process to be scraped")

    @contextmanager
    def sets_off(self, *alarms: str) -> Iterator[None]:
        """What happens in the block sets off these alarms, none of which fires before."""
        for name in alarms:
            until(lambda name=name: name not in self.prometheus.firing(), f"{name} to be silent")  # type: ignore[misc]
        yield
        for name in alarms:
            until(lambda name=name: name in self.prometheus.firing(), f"{name} to fire")  # type: ignore[misc]
        self.fired.update(alarms)

    def execute(self, statement: str, *values: object) -> None:
        """Change rows behind Carillon's back."""
        _execute(self.database_url, statement, *values)

    def refuse_connections(self) -> None:
        """Have the database end every session, and begin none."""
        self._let_in(connections=False)
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        _execute(needed("TEST_DATABASE_URL"), query, self._database)

    def take_connections(self) -> None:
        self._let_in(connections=True)

    def _let_in(self, *, connections: bool) -> None:
        _execute(needed("TEST_DATABASE_URL"), f"ALTER DATABASE {self._database} ALLOW_CONNECTIONS {connections}")

    @property
    def _database(self) -> str:
        return self.database_url.rpartition("/")[2]


@contextmanager
def monitored(folder: Path, environment: Mapping[str, str], rules: Mapping[str, Any]) -> Iterator[Monitored]:
    """Start everything, with a RabbitMQ of its own; return when each process answers and both workers listen."""
    with ExitStack() as stack:
        rabbit = stack.enter_context(PrivateRabbit())
        database_url = stack.enter_context(new_database(f"carillon_monitored_{uuid4().hex[:12]}"))
        given = {**environment, "DATABASE_URL": database_url, "RABBITMQ_URL": rabbit.url}
        processes = {}
        for name, kind in PROCESSES.items():
            (folder / name).mkdir()
            processes[name] = stack.enter_context(Installation(folder / name, {kind: 1}, given, wait=False))
        addresses = {name: f"127.0.0.1:{one.port}" for name, one in processes.items()}
        prometheus = stack.enter_context(Prometheus(folder, addresses, rules))
        everything = Monitored(processes, prometheus, rabbit, database_url)
        until(lambda: all(one.is_ready() for one in processes.values()), f"every process to answer; see {folder}")
        until(lambda: consumers(rabbit) == 2, "both workers to listen")
        everything.scraped_again()
        yield everything
        for one in processes.values():
            one.supervisor.ask_to_end()  # all at once, and not one after the other


def _execute(url: str, statement: str, *values: object) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement, values)
