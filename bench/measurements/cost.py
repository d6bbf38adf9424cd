"""What Carillon costs: processor time per run by kind of process, and processor and memory while nothing is due."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench import alternating, processor_time, receiver
from bench.carillon import CALLBACK, NOOP, installed, job
from bench.carillon_drain import CarillonDrain
from bench.checkout import Checkout
from bench.figures import Result, Row, Sample
from bench.servers import Servers
from bench.session import Session

_KINDS = ("web", "worker", "coordinator", "periodic")
OF_A_RUN = ("worker_ms", "coordinator_ms", "postgresql_ms", "rabbitmq_ms")
_SETTLING_SECONDS = 5.0
_IDLE_SECONDS, _QUICK_IDLE_SECONDS = 30.0, 6.0


def measure(session: Session) -> list[Result]:
    """Measure runs of both kinds, as `drain` and `callbacks` do, then the four processes at rest."""
    return [_at_rest(session)] if session.is_quick else [_of_runs(session), _at_rest(session)]


def _of_runs(session: Session) -> Result:
    options = session.options
    with receiver.running(session.folder) as running:
        contestants = [
            Named(kind, CarillonDrain(checkout, session.servers, session.folder, 2, 8, job(task_type), running.url))
            for checkout in reversed(session.checkouts)
            for kind, task_type in (("no-op", NOOP), ("callback", CALLBACK))
        ]
        rows = alternating.measure(contestants, options.rounds, options.seconds)
    return Result("cost", "Processor time per run, in ms", OF_A_RUN, rows)


def _at_rest(session: Session) -> Result:
    rows: list[Row] = []
    for checkout in reversed(session.checkouts):
        [measured] = alternating.measure([_Idle(checkout, session.servers, session.folder)], 1, _idle_seconds(session))
        rows += [_row_of(kind, measured) for kind in ("all four", *_KINDS)]
    return Result("idle", "At rest, percent of a core", ("cpu_percent", "pss_mb", "rss_mb"), rows)


def _idle_seconds(session: Session) -> float:
    return _QUICK_IDLE_SECONDS if session.is_quick else _IDLE_SECONDS


def _row_of(kind: str, measured: Row) -> Row:
    names = {f"{kind}_{figure}": figure for figure in ("cpu_percent", "pss_mb", "rss_mb")}
    samples: list[Sample] = [
        {names[name]: value for name, value in sample.items() if name in names} for sample in measured.samples
    ]
    return Row(f"{measured.name}, {kind}", samples)


@dataclass(frozen=True)
class Named:
    """A drain whose name says which kind of runs it has."""

    kind: str
    drain: CarillonDrain

    @property
    def name(self) -> str:
        """The tree, its workers, and the kind of runs."""
        return f"{self.drain.name}, {self.kind}"

    def sample(self, seconds: float) -> Sample:
        """Drain once."""
        return self.drain.sample(seconds)


@dataclass(frozen=True)
class _Idle:
    """The four processes with nothing to do."""

    checkout: Checkout
    servers: Servers
    folder: Path

    @property
    def name(self) -> str:
        return self.checkout.name

    def sample(self, seconds: float) -> Sample:
        with self.servers.place() as place, installed(self.checkout, self.folder, place, {}) as carillon:
            for kind in _KINDS:
                carillon.start(kind)
            carillon.wait_until_ready()
            time.sleep(_SETTLING_SECONDS)
            before = {kind: carillon.children.processor_seconds(kind) for kind in _KINDS}
            time.sleep(seconds)
            taken = {kind: carillon.children.processor_seconds(kind) - before[kind] for kind in _KINDS}
            memory = {kind: processor_time.memory_of_trees(carillon.children.pids(kind)) for kind in _KINDS}
        return _summed(
            {
                kind: {
                    "cpu_percent": 100 * taken[kind] / seconds,
                    "pss_mb": memory[kind][0],
                    "rss_mb": memory[kind][1],
                }
                for kind in _KINDS
            }
        )


def _summed(kinds: dict[str, dict[str, float]]) -> dict[str, float]:
    figures = next(iter(kinds.values()))
    everything = {"all four": {figure: sum(one[figure] for one in kinds.values()) for figure in figures}, **kinds}
    return {f"{kind}_{figure}": value for kind, one in everything.items() for figure, value in one.items()}
