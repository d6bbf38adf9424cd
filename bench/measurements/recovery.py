"""An outage: how long after PostgreSQL is back until Carillon drains as fast as before."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import alternating, cloning
from bench.carillon import installed, job
from bench.carillon_drain import COMPLETED
from bench.checkout import Checkout
from bench.figures import Result, Sample
from bench.servers import Place, Servers
from bench.session import Session
from processes.programs import ProgramError

_BACKLOG, _QUICK_BACKLOG = 60_000, 10_000
_BEFORE_SECONDS, _AFTER_SECONDS = 4.0, 15.0
_BUCKET_SECONDS = 0.25
_FULL_SHARE = 0.8
_LOOK_AGAIN_SECONDS = 0.25
_STARTED_AT = "SELECT extract(epoch FROM pg_postmaster_start_time())"
_FINISHED_AFTER = """
    SELECT extract(epoch FROM finished_at)::float8 FROM runs WHERE finished_at > to_timestamp(%s) ORDER BY finished_at
"""


def measure(session: Session) -> list[Result]:
    """Restart PostgreSQL under a drain."""
    backlog = _QUICK_BACKLOG if session.is_quick else _BACKLOG
    contestants = [
        Outage(checkout, session.servers, session.folder, backlog) for checkout in reversed(session.checkouts)
    ]
    rows = alternating.measure(contestants, session.options.rounds, session.options.seconds)
    return [Result("recovery", "From PostgreSQL back to full speed, in s", ("seconds", "before_per_s"), rows)]


@dataclass(frozen=True)
class Outage:
    """Carillon, which drains a backlog of no-op runs while PostgreSQL restarts."""

    checkout: Checkout
    servers: Servers
    folder: Path
    backlog: int

    @property
    def name(self) -> str:
        """The tree, and its workers."""
        return f"{self.checkout.name}, 2 x 8"

    def sample(self, _seconds: float) -> Sample:
        """Restart PostgreSQL while the backlog drains, and find when it drains as before."""
        with self.servers.place() as place, installed(self.checkout, self.folder, place, {}) as carillon:
            carillon.start("web")
            cloning.fill(place, carillon, job(), self.backlog)
            carillon.start("coordinator")
            carillon.start("worker", 2)
            carillon.wait_until(lambda: place.count(COMPLETED) > 0, "the first run", _LOOK_AGAIN_SECONDS)
            began_at = time.time()
            time.sleep(_BEFORE_SECONDS)
            broken_at = time.time()
            self.servers.restart_postgresql()
            back_at = float(place.query(_STARTED_AT)[0][0])
            time.sleep(back_at + _AFTER_SECONDS - time.time())
            before = _finished(place, began_at, broken_at)
            after = _finished(place, back_at, back_at + _AFTER_SECONDS)
        rate = statistics.median(rates(before, began_at, broken_at))
        return {"seconds": seconds_to_full_speed(after, back_at, rate), "before_per_s": rate}


def seconds_to_full_speed(finished: Sequence[float], back_at: float, rate: float) -> float:
    """Returns when the first quarter of a second began in which runs ended about as fast as before the outage.

    Raises `ProgramError` if none did.
    """
    for number, reached in enumerate(rates(finished, back_at, back_at + _AFTER_SECONDS)):
        if reached >= _FULL_SHARE * rate:
            return number * _BUCKET_SECONDS
    raise ProgramError(f"Full speed was not reached within {_AFTER_SECONDS:g} s of PostgreSQL's return.")


def rates(finished: Sequence[float], begin: float, end: float) -> list[float]:
    """Returns how many ended a second, in each quarter of a second."""
    counts = [0] * int((end - begin) / _BUCKET_SECONDS)
    for instant in finished:
        bucket = int((instant - begin) / _BUCKET_SECONDS)
        if 0 <= bucket < len(counts):
            counts[bucket] += 1
    return [count / _BUCKET_SECONDS for count in counts]


def _finished(place: Place, begin: float, end: float) -> list[float]:
    return [instant for (instant,) in place.query(_FINISHED_AFTER, (begin,)) if instant <= end]
