"""What limits cost, and what fairness gives.

A claim under a limit, rates of many accounts, one account that waits at its limit, and one that floods.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import alternating, draining, receiver
from bench.carillon import CALLBACK, NOBODY, NOOP, Carillon, installed, job
from bench.carillon_drain import RunsDrain
from bench.checkout import Checkout
from bench.draining import Amount
from bench.figures import Result, Row, Sample
from bench.measurements.timed import Flooded
from bench.servers import Place, Servers
from bench.session import Session

_ACCOUNTS = 10_000
_WAITING, _QUICK_WAITING = 200_000, 20_000
_FLOOD, _QUICK_FLOOD = 5_000, 2_000
_FIGURES = ("per_s", "worker_ms", "coordinator_ms", "postgresql_ms")
_LEFT_OF_OTHER = "SELECT count(*) FROM runs WHERE account_id = 'b' AND finished_at IS NULL"
_SECONDS_OF_OTHER = """
    SELECT extract(epoch FROM max(t.finished_at) - min(t.started_at))
    FROM attempts t JOIN runs r ON r.id = t.run_id WHERE r.account_id = 'b'
"""


def measure(session: Session) -> list[Result]:
    """Drain jobs without a limit and with one that is never reached, then jobs of 10,000 accounts, then beside one.

    Last, how late jobs of a small account begin beside a flood.
    """
    ours, servers, folder = session.checkouts[0], session.servers, session.folder
    with receiver.running(folder, 0) as running:
        claims = [
            LimitedDrain("no limit", ours, servers, folder),
            LimitedDrain("a limit", ours, servers, folder, limits={"app:bench": {"concurrency": 1_000}}),
        ]
        calls: dict[str, Any] = {"task_type": CALLBACK, "accounts": _ACCOUNTS, "url": running.url}
        rates = [
            LimitedDrain("no rate", ours, servers, folder, **calls),
            LimitedDrain("rates", ours, servers, folder, account_rate="90/60", **calls),
        ]
        waiting = _QUICK_WAITING if session.is_quick else _WAITING
        beside = [BesideOne(ours, servers, folder, running.url, count) for count in (0, waiting)]
        return [
            Result("limited_claims", "No-op jobs drained per second", _FIGURES, _rows(session, claims)),
            Result("account_rates", "Callbacks of 10,000 accounts per second", _FIGURES, _rows(session, rates)),
            Result(
                "beside_a_limited_account",
                "Callbacks of another account per second",
                _FIGURES[:1],
                _rows(session, beside),
            ),
            _flooded(session),
        ]


def _flooded(session: Session) -> Result:
    flood = _QUICK_FLOOD if session.is_quick else _FLOOD
    contestants = [
        Flooded(size, jobs=40).by(session.checkouts[0], session.servers, session.folder) for size in (0, flood)
    ]
    rows = alternating.measure(contestants, session.options.rounds, session.options.seconds)
    return Result("beside_a_flood", f"{Flooded.title}, in ms", ("p95", "p50", "p99", "max", "left"), rows)


def _rows(session: Session, contestants: list[Any]) -> list[Row]:
    options = session.options
    return alternating.measure(contestants, options.rounds, options.seconds, options.pilot_seconds)


@dataclass
class LimitedDrain:
    """A queue of jobs of one app, of one account or many, drained by two workers of 8 threads."""

    label: str
    checkout: Checkout
    servers: Servers
    folder: Path
    task_type: str = NOOP
    accounts: int = 1
    url: str = NOBODY
    account_rate: str = "none"
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The tree, and what is limited."""
        return f"{self.checkout.name}, {self.label}"

    def sample(self, seconds: float) -> Sample:
        """Fill an empty database, start the workers, and watch."""
        amount = Amount(f"{self.task_type} limits")
        jobs = max(amount.jobs(seconds), self.accounts)
        settings = {"callback_base_url": self.url, "account_rate": self.account_rate}
        with self.servers.place() as place, installed(self.checkout, self.folder, place, settings) as carillon:
            carillon.start("web")
            carillon.create_all(
                [job(self.task_type, account_id=f"a{number % self.accounts}") for number in range(jobs)]
            )
            for key, limit in self.limits.items():
                carillon.put(f"/api/limits/{key}", limit)
            place.query("VACUUM ANALYZE")
            carillon.start("coordinator")
            carillon.wait_until_coordinated()
            carillon.start("worker", 2)
            meters = {**carillon.children.meters("worker", "coordinator"), **self.servers.processor_times()}
            with place.counting() as count:
                figures = draining.watch(RunsDrain(place, carillon, count), jobs, meters)
        amount.learn(figures["per_s"])
        return figures


@dataclass
class BesideOne:
    """Jobs of one account, beside so many of another that may make one call a day, and are more urgent."""

    checkout: Checkout
    servers: Servers
    folder: Path
    url: str
    waiting: int

    @property
    def name(self) -> str:
        """The tree, and how many runs wait."""
        return f"{self.checkout.name}, {self.waiting:,} wait"

    def sample(self, seconds: float) -> Sample:
        """Bring the one account to its limit, pile up its jobs, then time those of the other."""
        amount = Amount("beside a limited account")
        jobs = amount.jobs(seconds)
        settings = {"callback_base_url": self.url}
        with self.servers.place() as place, installed(self.checkout, self.folder, place, settings) as carillon:
            carillon.start("web")
            carillon.start("coordinator")
            carillon.wait_until_coordinated()
            carillon.start("worker", 2)
            self._pile_up(place, carillon)
            carillon.create(jobs, job(CALLBACK, account_id="b"))
            carillon.wait_until(lambda: place.count(_LEFT_OF_OTHER) == 0, "the last job", draining.LOOK_AGAIN_SECONDS)
            per_s = jobs / float(place.query(_SECONDS_OF_OTHER)[0][0])
        amount.learn(per_s)
        return {"per_s": per_s, "jobs": float(jobs)}

    def _pile_up(self, place: Place, carillon: Carillon) -> None:
        urgent = job(CALLBACK, priority=9)
        carillon.create(2, urgent)
        carillon.put("/api/limits/account:bench/a", {"rate": {"calls": 1, "per_seconds": 86_400}})
        time.sleep(1)  # a limit is in force within a second
        carillon.create(self.waiting, urgent)
        place.query("VACUUM ANALYZE")
