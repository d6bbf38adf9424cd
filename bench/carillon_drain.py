"""Carillon's queue, filled over the API and then emptied by its workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import draining
from bench.carillon import NOBODY, Carillon, installed, job
from bench.checkout import Checkout
from bench.draining import Amount
from bench.figures import Sample
from bench.servers import Place, Servers
from processes.programs import ProgramError

COMPLETED = "SELECT count(*) FROM runs WHERE status = 'completed'"
_BEGUN = "SELECT count(*) FROM (SELECT FROM attempts LIMIT 1) AS first"
_ENDED = "SELECT count(*) FROM attempts WHERE finished_at IS NOT NULL"
_FAILED = "SELECT count(*) FROM runs WHERE status = 'failed'"  # which has an index
_SECONDS = "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM attempts"


@dataclass
class CarillonDrain:
    """Carillon with a number of workers and threads, on jobs of one kind."""

    checkout: Checkout
    servers: Servers
    folder: Path
    processes: int = 2
    threads: int = 8
    body: Mapping[str, Any] = field(default_factory=job)
    callback_base_url: str = NOBODY

    @property
    def name(self) -> str:
        """The tree, and its workers."""
        return f"{self.checkout.name}, {self.processes} x {self.threads}"

    def sample(self, seconds: float) -> Sample:
        """Fill an empty database, start the workers, and watch."""
        amount = Amount(f"{self.name} {self.body['task_type']}")
        jobs = amount.jobs(seconds)
        settings = {"worker_threads": self.threads, "callback_base_url": self.callback_base_url}
        with self.servers.place() as place, installed(self.checkout, self.folder, place, settings) as carillon:
            carillon.start("web")
            carillon.create(jobs, self.body)
            place.query("VACUUM ANALYZE")
            carillon.start("coordinator")
            carillon.wait_until_coordinated()  # its start takes a second of the processor, which no peer's drain has
            carillon.start("worker", self.processes)
            with place.counting() as count:
                figures = draining.watch(RunsDrain(place, carillon, count), jobs, self._meters(carillon))
        amount.learn(figures["per_s"])
        return figures

    def _meters(self, carillon: Carillon) -> draining.Meters:
        return {**carillon.children.meters("worker", "coordinator"), **self.servers.processor_times()}


@dataclass(frozen=True)
class RunsDrain:
    """The drain of Carillon's runs, by the instants in their attempts."""

    place: Place
    carillon: Carillon
    count: Callable[[str], int]

    def begun(self) -> bool:
        """Tell whether a run has been claimed."""
        return self.count(_BEGUN) > 0

    def done(self) -> int:
        """Returns how many attempts have ended, each the first of its run."""
        return self.count(_ENDED)

    def seconds(self) -> float:
        """Returns the time from the first claim to the last record."""
        return float(self.place.query(_SECONDS)[0][0])

    def check(self) -> None:
        """Raise if a process has died or a run has failed."""
        self.carillon.children.check()
        if failed := self.count(_FAILED):
            raise ProgramError(f"{failed} runs failed; the log of the processes says why.")
