"""Services that one test after another uses: to start them takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg2

from tests.acceptance.installation import SERVICES, Installation
from tests.servers import new_database, virtual_host
from tests.waiting import until

LOCK = "LOCK TABLE jobs, runs IN ACCESS EXCLUSIVE MODE NOWAIT"
COUNT_RUNNING = "SELECT count(*) FROM runs WHERE status = 'running'"
EMPTY = "TRUNCATE jobs, minutes, idempotency_keys CASCADE"


class KeptServices(Installation):
    """The services on a database and a virtual host of their own, which go on from one test to the next."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        database_url: str,
        rabbitmq_url: str,
        *,
        wait: bool = True,
    ) -> None:
        urls = {"DATABASE_URL": database_url, "RABBITMQ_URL": rabbitmq_url}
        super().__init__(folder, SERVICES, {**environment, **urls}, wait=wait)
        self.database_url = database_url
        self.rabbitmq_url = rabbitmq_url

    def empty(self) -> None:
        """Delete every job, as soon as nothing runs, and what was logged; wait for processes that were killed."""
        until(self._emptied, "nothing to run")
        until(self.is_ready, f"{self.url}/readyz; see {self.log}")
        until(lambda: all(self.pids().values()), "every process to be there")
        self.turn_the_page()

    def _emptied(self) -> bool:
        with closing(psycopg2.connect(self.database_url)) as connection, connection, connection.cursor() as cursor:
            try:
                cursor.execute(LOCK)  # or something could begin to run
            except psycopg2.errors.LockNotAvailable:
                return False
            cursor.execute(COUNT_RUNNING)
            if cursor.fetchone() != (0,):
                return False
            cursor.execute(EMPTY)
            return True


@contextmanager
def kept_services(folder: Path, environment: Mapping[str, str], callback_base_url: str) -> Iterator[KeptServices]:
    """Services that call this address, until the block ends."""
    with (
        new_database(f"carillon_kept_{uuid4().hex[:12]}") as database_url,
        virtual_host() as rabbitmq_url,
        KeptServices(
            folder, {**environment, "CALLBACK_BASE_URL": callback_base_url}, database_url, rabbitmq_url
        ) as services,
    ):
        yield services
