"""A backlog: whether runs are claimed as fast with half a million queued as with ten thousand."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from bench import alternating, cloning
from bench.carillon import Carillon, installed, job
from bench.checkout import Checkout
from bench.figures import Result, Sample
from bench.servers import Place
from bench.session import Session

_SMALL, _LARGE, _QUICK_LARGE = 10_000, 500_000, 40_000
_RUN_UP_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.25  # a look reads the whole table
_FIRST_FINISHED = "SELECT min(finished_at) FROM runs WHERE finished_at > %s"
_FINISHED = "SELECT count(*) FROM runs WHERE finished_at BETWEEN %s AND %s"
_LEFT = "SELECT count(*) FROM runs WHERE finished_at IS NULL"


def measure(session: Session) -> list[Result]:
    """Fill both queues once, and let workers drain each in turn."""
    options = session.options
    sizes = (_SMALL, _QUICK_LARGE if session.is_quick else _LARGE)
    with ExitStack() as stack:
        contestants = [
            _filled(stack, session, checkout, size) for checkout in reversed(session.checkouts) for size in sizes
        ]
        rows = alternating.measure(contestants, options.rounds, options.seconds)
    return [Result("backlog", "No-op runs per second from a backlog", ("per_s", "left"), rows)]


def _filled(stack: ExitStack, session: Session, checkout: Checkout, size: int) -> Backlog:
    place = stack.enter_context(session.servers.place())
    carillon = stack.enter_context(installed(checkout, session.folder, place, {}))
    carillon.start("web")
    backlog = Backlog(checkout, place, carillon, size)
    backlog.fill()
    return backlog


@dataclass
class Backlog:
    """A queue of so many runs, which workers drain for a while."""

    checkout: Checkout
    place: Place
    carillon: Carillon
    size: int

    @property
    def name(self) -> str:
        """The tree, and how much is queued."""
        return f"{self.checkout.name}, {self.size:,} queued"

    def fill(self) -> None:
        """Bring the queue back to its size."""
        missing = self.size - self.place.count(_LEFT)
        if missing > 0:
            cloning.fill(self.place, self.carillon, job(), missing)
            self.place.query("VACUUM ANALYZE")

    def sample(self, seconds: float) -> Sample:
        """Count the runs finished in this time, beginning a second after the first."""
        self.fill()
        [(now,)] = self.place.query("SELECT clock_timestamp()")
        self.carillon.start("coordinator")
        self.carillon.start("worker", 2)
        self.carillon.wait_until(
            lambda: self.place.query(_FIRST_FINISHED, (now,))[0][0] is not None, "the first run", _LOOK_AGAIN_SECONDS
        )
        [(first,)] = self.place.query(_FIRST_FINISHED, (now,))
        time.sleep(_RUN_UP_SECONDS + seconds)
        self.carillon.children.stop("worker")
        self.carillon.children.stop("coordinator")
        begin = first + timedelta(seconds=_RUN_UP_SECONDS)
        [(finished,)] = self.place.query(_FINISHED, (begin, begin + timedelta(seconds=seconds)))
        return {"per_s": finished / seconds, "left": float(self.place.count(_LEFT))}
