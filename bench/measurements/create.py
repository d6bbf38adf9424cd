"""Creates over HTTP by 32 connections: jobs that are due at once, and jobs that are due a day from now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import alternating, load
from bench.alternating import Contestant
from bench.carillon import IMMEDIATE, at, installed, job
from bench.checkout import Checkout
from bench.figures import Result, Sample
from bench.load import Asked
from bench.peers import webs
from bench.servers import Servers
from bench.session import Session

FIGURES = ("per_s", "p50_ms", "p99_ms", "web_ms", "postgresql_ms", "rabbitmq_ms", "load_cpu_percent")
_LEAD = timedelta(days=1)


def measure(session: Session) -> list[Result]:
    """Measure each kind of schedule and number of processes in turn."""
    options = session.options
    rows = alternating.measure(_contestants(session), options.rounds, options.seconds)
    return [Result("create", "Jobs created per second", FIGURES, rows)]


def _contestants(session: Session) -> list[Contestant]:
    servers, folder = session.servers, session.folder
    peers = [webs.drf(servers, folder), webs.falcon_asyncpg(servers, folder)] if session.options.with_peers else []
    ours = [
        CarillonCreate(checkout, servers, folder, kind, schedule, processes)
        for processes in sorted({1, os.cpu_count() or 1})
        for kind, schedule in _schedules().items()
        for checkout in reversed(session.checkouts)
        if kind == "immediate" or not session.is_quick
    ]
    return [*peers, *ours]


def _schedules() -> dict[str, Mapping[str, Any]]:
    return {"immediate": IMMEDIATE, "future": at(tomorrow())}


def tomorrow() -> datetime:
    """Returns an instant at which no job is due while this is measured."""
    return datetime.now(UTC) + _LEAD


@dataclass(frozen=True)
class CarillonCreate:
    """Carillon with a number of web processes, which take jobs of one schedule."""

    checkout: Checkout
    servers: Servers
    folder: Path
    kind: str
    schedule: Mapping[str, Any]
    processes: int

    @property
    def name(self) -> str:
        """The tree, the schedule, and the web processes."""
        counted = "1 process" if self.processes == 1 else f"{self.processes} processes"
        return f"{self.checkout.name}, {self.kind}, {counted}"

    def sample(self, seconds: float) -> Sample:
        """Start it on an empty database, and send requests for so long."""
        settings = {"web_concurrency": self.processes}
        with self.servers.place() as place, installed(self.checkout, self.folder, place, settings) as carillon:
            carillon.start("web")
            meters = {**carillon.children.meters("web"), **self.servers.processor_times()}
            asked = Asked(f"{carillon.url}/api/jobs/create", job(schedule=self.schedule))
            return load.measured(asked, seconds, self.folder, meters)
