"""Runs a command with a database and a broker to work with, and leaves nothing behind.

    python -m local.servers [--folder DIR] [--durable] [--pgbouncer] -- COMMAND ...

The command finds them in TEST_DATABASE_URL, TEST_RABBITMQ_URL and TEST_RABBITMQ_MANAGEMENT_URL. Given
URLs are passed on; else private servers are started from installed programs; else, as root on Debian,
the programs are installed first; else Docker Compose is asked. With --pgbouncer the database is reached
through PgBouncer in transaction mode.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core import urls
from local import compose, install
from local.foreground import exit_on_signals, run_in_foreground
from local.pgbouncer import PrivatePgBouncer
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from processes.programs import ProgramError

NOTHING_TO_RUN_ON = 2


@dataclass(frozen=True)
class Servers:
    """The URLs of a database and a broker."""

    database_url: str
    rabbitmq_url: str
    management_url: str

    def environment(self) -> dict[str, str]:
        return {
            "TEST_DATABASE_URL": self.database_url,
            "TEST_RABBITMQ_URL": self.rabbitmq_url,
            "TEST_RABBITMQ_MANAGEMENT_URL": self.management_url,
        }


@contextmanager
def private_servers(folder: Path | None, *, durable: bool, vhost: str | None = None) -> Iterator[Servers]:
    """Start PostgreSQL and RabbitMQ side by side; without a folder their data is thrown away afterwards.

    With `vhost`, RabbitMQ's URL names a virtual host of that name, made if there is none.
    """
    with ExitStack() as stack:
        postgres = PrivatePostgres(folder and folder / "postgres", durable=durable)
        stack.callback(postgres.close)
        rabbit = PrivateRabbit(folder and folder / "rabbitmq")
        stack.callback(rabbit.close)
        with ThreadPoolExecutor(2) as pool:
            starts = [pool.submit(server.start) for server in (postgres, rabbit)]
        for start in starts:
            start.result()
        rabbitmq_url = rabbit.create_vhost(vhost) if vhost else rabbit.url
        yield Servers(postgres.url, rabbitmq_url, rabbit.management_url)


@contextmanager
def servers(environment: Mapping[str, str], folder: Path | None, *, durable: bool) -> Iterator[Servers]:
    """Use the first source available: URLs given, programs installed, Debian's packages, Docker Compose."""
    database, rabbitmq = environment.get("TEST_DATABASE_URL"), environment.get("TEST_RABBITMQ_URL")
    if database and rabbitmq:
        management = environment.get("TEST_RABBITMQ_MANAGEMENT_URL") or urls.management_of(rabbitmq)
        yield Servers(database, rabbitmq, management)
    elif install.all_found() or install.can_install() or not compose.answers():
        with private_servers(folder, durable=durable) as private:
            yield private
    else:
        yield Servers(*compose.up())


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="local.servers", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="keep the data here instead of throwing it away")
    parser.add_argument("--durable", action="store_true", help="survive a power failure, at some cost")
    parser.add_argument("--pgbouncer", action="store_true", help="reach the database through PgBouncer")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    options = parser.parse_args(arguments)
    try:
        with exit_on_signals(), ExitStack() as stack:
            found = stack.enter_context(servers(os.environ, options.folder, durable=options.durable))
            if options.pgbouncer:
                bouncer = stack.enter_context(PrivatePgBouncer(found.database_url))
                found = replace(found, database_url=bouncer.url)
            return run_in_foreground(options.command, {**os.environ, **found.environment()})
    except ProgramError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return NOTHING_TO_RUN_ON


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
