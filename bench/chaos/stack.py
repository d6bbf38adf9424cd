"""Servers and processes of a chaos run: each process is started again when it dies, and any may be broken."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import waiting
from bench.carillon import KEPT
from bench.chaos import history, mutations
from bench.chaos.proxy import Proxy
from bench.chaos.scenario import Scenario
from bench.checkout import ROOT
from bench.servers import Place
from local import ports
from local.pgbouncer import PrivatePgBouncer
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from processes.supervisor import Backoff, Supervisor

WORKERS = ("worker_a", "worker_b")
COORDINATORS = ("coordinator_a", "coordinator_b")
_PERIODICS = ("periodic_a", "periodic_b")
PROCESSES = ("web", *WORKERS, *COORDINATORS, *_PERIODICS)
_TAKEN = """
    SELECT r.id::TEXT, w.pid FROM runs r JOIN workers w ON w.id = r.worker_id
    WHERE r.id = ANY (%s::UUID[]) AND r.status = 'running' ORDER BY r.id
"""
CUT_WORKER = "worker_b"  # it reaches RabbitMQ through a proxy


@dataclass(frozen=True)
class Stack:
    """The servers, the processes, and where they are."""

    postgres: PrivatePostgres
    rabbit: PrivateRabbit
    proxy: Proxy
    supervisor: Supervisor
    place: Place
    url: str
    log: Path

    def signal(self, name: str, number: signal.Signals) -> bool:
        """Signal a process if it runs; tells whether it did."""
        pid = self.supervisor.pid(name)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def busiest_worker(self, run_ids: Sequence[str]) -> tuple[str, list[str]]:
        """Returns the worker that has most of these runs, and those that it has."""
        names = {self.supervisor.pid(name): name for name in WORKERS}
        taken: dict[str, list[str]] = {name: [] for name in WORKERS}
        for run_id, pid in self.place.query(_TAKEN, (list(run_ids),)):
            if pid in names:
                taken[names[pid]].append(run_id)
        name = max(WORKERS, key=lambda one: len(taken[one]))
        return name, taken[name]


@contextmanager
def running(scenario: Scenario, folder: Path, given: Mapping[str, str], mutation: str | None) -> Iterator[Stack]:
    """Run everything for the block. `given` adds to the environment of the processes."""
    with ExitStack() as stack:
        postgres = stack.enter_context(PrivatePostgres(folder / "postgres", durable=True))
        rabbit = stack.enter_context(PrivateRabbit(folder / "rabbitmq"))
        proxy = stack.enter_context(Proxy(rabbit.port))
        place = Place(postgres.create_database("chaos"), rabbit.url, rabbit.management_url)
        port = ports.remembered(folder / "web.json", ["web"])["web"]
        environment = _environment(scenario, folder, port, place, given)
        if scenario.through_pgbouncer:
            environment["DATABASE_URL"] = stack.enter_context(PrivatePgBouncer(place.database_url)).url
        subprocess.run([*_command(None), "migrate"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        history.install(place)
        if statement := mutations.STATEMENTS.get(mutation or ""):
            place.query(statement)
        log = folder / "carillon.log"
        output = stack.enter_context(log.open("w"))
        through = f"RABBITMQ_URL={rabbit.url.replace(str(rabbit.port), str(proxy.port))}"
        supervisor = Supervisor(
            {name: shlex.join(_started(name, mutation, through)) for name in PROCESSES},
            environment,
            folder=ROOT,
            output=output,
            backoff=Backoff(first_seconds=0.1, longest_seconds=1),
        )
        supervisor.start()
        stack.callback(supervisor.stop)
        waiting.until(lambda: not ports.is_free(port), "the API", seconds=120)
        yield Stack(postgres, rabbit, proxy, supervisor, place, f"http://127.0.0.1:{port}", log)


def _started(name: str, mutation: str | None, through: str) -> list[str]:
    command = [*_command(mutation), name.partition("_")[0]]
    return ["env", through, *command] if name == CUT_WORKER else command


def _command(mutation: str | None) -> list[str]:
    if mutation is None:
        return [sys.executable, str(ROOT / "cli.py")]
    return [sys.executable, "-m", "bench.chaos.mutations", mutation]


def _environment(scenario: Scenario, folder: Path, port: int, place: Place, given: Mapping[str, str]) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **scenario.settings(),
        "DATABASE_URL": place.database_url,
        "RABBITMQ_URL": place.rabbitmq_url,
        "RABBITMQ_MANAGEMENT_URL": place.management_url,
        "DATA_DIR": str(folder / "data"),
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
        **given,
    }
