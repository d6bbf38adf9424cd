"""Requests of all kinds over the jobs of many users: the API of cron jobs promises 6,000 a minute.

Each user has a cron job; of ten requests six read one job, two list, one creates, one pauses. Nothing is
due meanwhile.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import requests

from bench import alternating
from bench.carillon import Carillon, installed, job
from bench.checkout import Checkout
from bench.figures import Result, Sample, percentile
from bench.servers import Servers
from bench.session import Session

_THREADS = 8
_USERS, _QUICK_USERS = 10_000, 1_000
_NEW_YEAR = "0 0 1 1 *"
_FIGURES = ("per_minute", "p50_ms", "p99_ms", "web_ms", "postgresql_ms")


def measure(session: Session) -> list[Result]:
    """Measure each tree in turn."""
    options = session.options
    users = _QUICK_USERS if session.is_quick else _USERS
    contestants = [Mixed(checkout, session.servers, session.folder, users) for checkout in reversed(session.checkouts)]
    rows = alternating.measure(contestants, options.rounds, options.seconds)
    return [Result("requests", f"Mixed requests per minute, {users:,} users", _FIGURES, rows)]


@dataclass(frozen=True)
class Mixed:
    """One web process, and the jobs of so many users."""

    checkout: Checkout
    servers: Servers
    folder: Path
    users: int

    @property
    def name(self) -> str:
        """The tree."""
        return f"{self.checkout.name}, 1 process"

    def sample(self, seconds: float) -> Sample:
        """Create a job for each user, and send requests from eight threads."""
        with self.servers.place() as place, installed(self.checkout, self.folder, place, {}) as carillon:
            carillon.start("web")
            carillon.create_all([_job_of(number) for number in range(self.users)])
            ids = [str(job_id) for (job_id,) in place.query("SELECT id FROM jobs")]
            meters = {**carillon.children.meters("web"), **self.servers.processor_times()}
            before = {kind: meter() for kind, meter in meters.items()}
            began = time.monotonic()
            taken = _ask_from_threads(carillon, ids, began + seconds)
            elapsed = time.monotonic() - began
            costs = {f"{kind}_ms": 1000 * (meter() - before[kind]) / len(taken) for kind, meter in meters.items()}
        return {
            "per_minute": 60 * len(taken) / elapsed,
            "p50_ms": 1000 * percentile(taken, 0.5),
            "p99_ms": 1000 * percentile(taken, 0.99),
            **costs,
        }


def _job_of(number: int) -> dict[str, object]:
    owner = {"account_id": f"user{number}", "user_id": f"user{number}", "name": f"job of user{number}"}
    schedule = {"type": "cron", "expression": _NEW_YEAR}
    return {**job("job", schedule), "app_name": "scheduler", **owner}


def _ask_from_threads(carillon: Carillon, ids: list[str], until: float) -> list[float]:
    with ThreadPoolExecutor(_THREADS) as pool:
        asking = [pool.submit(_ask, f"{carillon.url}/scheduler/jobs/", ids, n, until) for n in range(_THREADS)]
        return [seconds for thread in asking for seconds in thread.result()]


def _ask(url: str, ids: list[str], thread: int, until: float) -> list[float]:
    """Send requests until the time is over. Returns the seconds of each. Raises unless all succeed."""
    chance, session = random.Random(thread), requests.Session()
    taken: list[float] = []
    while time.monotonic() < until:
        request = _chosen(chance, session, url, ids, f"{thread} {len(taken)}")
        began = time.monotonic()
        request().raise_for_status()
        taken.append(time.monotonic() - began)
    return taken


def _chosen(
    chance: random.Random, session: requests.Session, url: str, ids: list[str], name: str
) -> Callable[[], requests.Response]:
    one = f"{url}{chance.choice(ids)}/"
    match chance.randrange(10):
        case 0:
            body = {"name": name, "cron_expression": _NEW_YEAR}
            return lambda: session.post(url, json=body, timeout=30)
        case 1:
            return lambda: session.patch(one, json={"is_active": False}, timeout=30)
        case 2 | 3:
            page = chance.randrange(1, 10)
            return lambda: session.get(f"{url}?page={page}", timeout=30)
        case _:
            return lambda: session.get(one, timeout=30)
