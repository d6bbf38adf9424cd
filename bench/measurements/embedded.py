"""The embedded mode: callbacks by one process on SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import alternating, receiver
from bench.carillon import CALLBACK, Carillon, at, installed, job
from bench.carillon_drain import COMPLETED
from bench.checkout import Checkout
from bench.draining import LOOK_AGAIN_SECONDS, Amount
from bench.figures import Result, Sample
from bench.session import Session

_LEAD_SECONDS = 3.0
_SECONDS_PER_JOB_CREATED = 1 / 150


def measure(session: Session) -> list[Result]:
    """Drain callbacks that are all due at one instant on the embedded server."""
    options = session.options
    contestants = [Embedded(checkout, session.folder) for checkout in reversed(session.checkouts)]
    pilot_seconds = 0 if session.is_quick else options.pilot_seconds
    rows = alternating.measure(contestants, options.rounds, options.seconds, pilot_seconds)
    return [Result("embedded", "Callbacks per second, embedded on SQLite", ("per_s", "serve_ms", "jobs"), rows)]


@dataclass
class Embedded:
    """One process on SQLite."""

    checkout: Checkout
    folder: Path

    @property
    def name(self) -> str:
        """The tree."""
        return f"{self.checkout.name}, embedded"

    def sample(self, seconds: float) -> Sample:
        """Create jobs of one instant, and measure from the first callback to the last record."""
        amount = Amount(self.name)
        jobs = amount.jobs(seconds)
        with receiver.running(self.folder) as receiving:
            settings = {"callback_base_url": receiving.url}
            with installed(self.checkout, self.folder, None, settings) as carillon:
                carillon.start("serve")
                instant = datetime.now(UTC) + timedelta(seconds=_LEAD_SECONDS + jobs * _SECONDS_PER_JOB_CREATED)
                carillon.create(jobs, job(CALLBACK, at(instant)))
                time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))
                before = carillon.children.processor_seconds("serve")
                _wait(carillon, jobs)
                ended_at = time.time()
                taken = carillon.children.processor_seconds("serve") - before
                began_at = min(receiving.arrivals())
        rate = jobs / (ended_at - began_at)
        amount.learn(rate)
        return {"per_s": rate, "serve_ms": 1000 * taken / jobs, "jobs": float(jobs)}


def _wait(carillon: Carillon, jobs: int) -> None:
    address = f"file:{carillon.data / 'carillon.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
        carillon.wait_until(
            lambda: connection.execute(COMPLETED).fetchone()[0] >= jobs, "the last callback", LOOK_AGAIN_SECONDS
        )
