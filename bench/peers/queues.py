"""The peers that drain queues: how to fill each, start its workers, and count what is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import draining
from bench.checkout import ROOT
from bench.children import Children
from bench.draining import Amount
from bench.figures import Sample
from bench.peers import environment
from bench.peers.surroundings import MARK
from bench.servers import Place, Servers

_CELERY_DONE = "SELECT count(*) FROM django_celery_results_taskresult WHERE status = 'SUCCESS'"
_PROCRASTINATE_DONE = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"


@dataclass(frozen=True)
class Peer:
    """How one job system is driven."""

    name: str
    fill: tuple[str, ...]
    worker: Callable[[int, int, int], list[str]]
    worker_commands: int
    done: str | None = None  # a statement that counts recorded jobs; None: count only the marks


def _dramatiq(_number: int, processes: int, threads: int) -> list[str]:
    counts = ["--processes", str(processes), "--threads", str(threads)]
    return ["dramatiq", "bench.peers.dramatiq_app", *counts]


def _celery(number: int, _processes: int, threads: int) -> list[str]:
    quietly = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    threaded = ["--pool", "threads", "--concurrency", str(threads), "--hostname", f"w{number}@%h"]
    return ["celery", "--app", "bench.peers.celery_app", "worker", *threaded, *quietly]


def _procrastinate(_number: int, _processes: int, threads: int) -> list[str]:
    return ["procrastinate", "--app", "bench.peers.procrastinate_app.app", "worker", "--concurrency", str(threads)]


DRAMATIQ = Peer("dramatiq, untracked", ("dramatiq",), _dramatiq, 1)
PROCRASTINATE = Peer("Procrastinate", ("procrastinate",), _procrastinate, 2, _PROCRASTINATE_DONE)
CELERY = Peer("Celery + django-celery-results", ("celery", "noop"), _celery, 2, _CELERY_DONE)
CELERY_CALLS = Peer("Celery + requests + results", ("celery", "call"), _celery, 2, _CELERY_DONE)


@dataclass
class PeerDrain:
    """A peer with two processes of several threads."""

    peer: Peer
    servers: Servers
    folder: Path
    threads: int = 8
    receiver_url: str = ""

    @property
    def name(self) -> str:
        """The peer, and its workers."""
        return f"{self.peer.name}, 2 x {self.threads}"

    def sample(self, seconds: float) -> Sample:
        """Fill the queue, start the workers, and watch."""
        amount = Amount(self.peer.name)
        jobs = amount.jobs(seconds)
        marks = self.folder / f"marks-{time.monotonic_ns()}"
        marks.touch()
        with self.servers.place() as place, Children(self.folder / "peers.log") as children:
            self._run(children, place, marks, jobs)
            meters = {**children.meters("worker"), **self.servers.processor_times()}
            with place.counting() as count:
                figures = draining.watch(_MarkedDrain(children, marks, count, self.peer.done), jobs, meters)
        amount.learn(figures["per_s"])
        return figures

    def _run(self, children: Children, place: Place, marks: Path, jobs: int) -> None:
        surroundings = environment.variables(
            {
                "BENCH_DATABASE": place.database_url,
                "BENCH_RABBITMQ": place.rabbitmq_url,
                "BENCH_RECEIVER": self.receiver_url,
                "BENCH_MARKS": str(marks),
            }
        )
        python = environment.python()
        peer, *task = self.peer.fill
        children.run([python, "-m", "bench.peers.fill", peer, str(jobs), *task], surroundings, ROOT)
        place.query("VACUUM ANALYZE")
        for number in range(self.peer.worker_commands):
            command = [python, "-m", *self.peer.worker(number, 2, self.threads)]
            children.start("worker", command, surroundings, ROOT)


@dataclass(frozen=True)
class _MarkedDrain:
    """A drain timed by the marks that its jobs leave in a file; done jobs are counted where the peer records them."""

    children: Children
    marks: Path
    count: Callable[[str], int]
    done_statement: str | None

    def begun(self) -> bool:
        return self.marks.stat().st_size > 0

    def done(self) -> int:
        if self.done_statement is not None:
            return self.count(self.done_statement)
        return self.marks.stat().st_size // MARK.size

    def seconds(self) -> float:
        instants: list[float] = [instant for (instant,) in MARK.iter_unpack(self.marks.read_bytes())]
        return max(instants) - min(instants)

    def check(self) -> None:
        self.children.check()
