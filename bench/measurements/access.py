"""What access costs a create: an app's key and quotas, beside a caller who shows nothing and an app without quotas.

Who created a job is recorded in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import alternating, load
from bench.carillon import Carillon, at, installed, job
from bench.checkout import Checkout
from bench.figures import Result, Sample
from bench.load import Asked
from bench.measurements.create import FIGURES, tomorrow
from bench.servers import Servers
from bench.session import Session

_APP = "bench"
_QUOTAS = {
    "jobs": 10_000_000,
    "waiting_runs": 10_000_000,
    "shortest_interval_seconds": 1,
    "payload_bytes": 100_000,
    "requests_per_minute": 10_000_000,
}


def measure(session: Session) -> list[Result]:
    """Measure both callers in turn, with one web process."""
    ours, servers, folder = session.checkouts[0], session.servers, session.folder
    contestants = [
        Create("anybody", ours, servers, folder, with_key=False),
        Create("key and quotas", ours, servers, folder, with_key=True),
    ]
    rows = alternating.measure(contestants, session.options.rounds, session.options.seconds)
    return [Result("access", "Jobs created per second", FIGURES, rows)]


@dataclass(frozen=True)
class Create:
    """One web process that takes jobs of tomorrow from a caller."""

    label: str
    checkout: Checkout
    servers: Servers
    folder: Path
    with_key: bool

    @property
    def name(self) -> str:
        """The tree, and who calls."""
        return f"{self.checkout.name}, {self.label}"

    def sample(self, seconds: float) -> Sample:
        """Start it on an empty database, and send requests for so long."""
        with self.servers.place() as place, installed(self.checkout, self.folder, place, {}) as carillon:
            carillon.start("web")
            headers = [f"Authorization: Bearer {_key(carillon)}"] if self.with_key else []
            meters = {**carillon.children.meters("web"), **self.servers.processor_times()}
            asked = Asked(f"{carillon.url}/api/jobs/create", job(schedule=at(tomorrow())), headers)
            return load.measured(asked, seconds, self.folder, meters)


def _key(carillon: Carillon) -> Any:
    """Returns a new key that may create jobs, in an app with all quotas."""
    carillon.post("/api/apps", {"name": _APP})
    carillon.put(f"/api/apps/{_APP}/quotas", _QUOTAS)
    return carillon.post(f"/api/apps/{_APP}/keys", {"name": "load", "scopes": ["jobs"]})["key"]
