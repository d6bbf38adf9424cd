"""Drive Carillon only by its processes, its settings and its HTTP API, so that any commit can be measured."""

from __future__ import annotations

import base64
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from bench import waiting
from bench.checkout import ROOT, Checkout
from bench.children import Children
from bench.servers import Place
from local import ports

NOOP, FAILING = "bench_noop", "bench_failing"
CALLBACK, POLLING = "bench_callback", "bench_polling"
IMMEDIATE = {"type": "immediate"}
_MAX_JOBS_IN_A_REQUEST = 1_000
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
NOBODY = "http://127.0.0.1:9"
_numbers = itertools.count(1)


def job(task_type: str = NOOP, schedule: Mapping[str, Any] = IMMEDIATE, **more: Any) -> dict[str, Any]:
    """Returns the body of a new job."""
    return {
        "app_name": "bench",
        "user_id": "u",
        "account_id": "a",
        "task_type": task_type,
        "schedule": schedule,
        **more,
    }


def at(instant: datetime) -> dict[str, str]:
    """Returns the schedule of a job that is due once, at this instant."""
    return {"type": "run_at", "timestamp": instant.isoformat()}


class Carillon:
    """The processes of one tree on one database and virtual host, or, without these, embedded on SQLite."""

    def __init__(self, checkout: Checkout, folder: Path, place: Place | None, settings: Mapping[str, object]) -> None:
        self._checkout = checkout
        self.data = data = folder / f"carillon-{next(_numbers)}"
        data.mkdir()
        port = ports.remembered(data / "ports.json", ["web"])["web"]
        self.url = f"http://127.0.0.1:{port}"
        self.environment = _environment(checkout, data, port, place, settings)
        self._session = requests.Session()
        self.children = Children(data / "output.log")

    def start(self, kind: str, count: int = 1, *, name: str | None = None) -> None:
        """Start processes of a kind: web, worker, coordinator, periodic, or serve for the embedded mode.

        `name` is by which they are killed and stopped, in place of their kind.
        """
        command = [sys.executable, str(self._checkout.folder / "cli.py"), kind]
        for _ in range(count):
            self.children.start(name or kind, command, self.environment, self._checkout.folder)
        if kind in {"web", "serve"}:
            self.wait_until(self._answers, f"an answer of {kind}")

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """Post to the API and return its answer. Raises unless it is a success."""
        return self._send("POST", path, body)

    def put(self, path: str, body: Any) -> dict[str, Any]:
        """Put to the API and return its answer. Raises unless it is a success."""
        return self._send("PUT", path, body)

    def create(self, count: int, body: Mapping[str, Any]) -> None:
        """Create so many equal jobs."""
        for first in range(0, count, _MAX_JOBS_IN_A_REQUEST):
            self.create_all([body] * min(_MAX_JOBS_IN_A_REQUEST, count - first))

    def create_all(self, bodies: list[Mapping[str, Any]]) -> list[str]:
        """Create these jobs, up to 1,000 in a request. Returns their ids."""
        ids: list[str] = []
        for first in range(0, len(bodies), _MAX_JOBS_IN_A_REQUEST):
            made = self.post("/api/jobs/bulk", {"jobs": bodies[first : first + _MAX_JOBS_IN_A_REQUEST]})
            ids += [one["id"] for one in made["results"]]
        return ids

    def wait_until_coordinated(self) -> None:
        """Return when the coordinator has given its first sign of life, a second after its loops began."""
        self.wait_until(self._has_ticked, "a tick of the coordinator")

    def wait_until_ready(self) -> None:
        """Return when the installation is ready: the coordinator ticks, the broker answers."""
        self.wait_until(lambda: self._status() == requests.codes.ok, "readiness")

    def wait_until(self, condition: Callable[[], bool], what: str, rest_seconds: float = 0.02) -> None:
        """Return when the condition holds. Raises if a process has died meanwhile, or it takes too long."""
        waiting.until(condition, what, check=self.children.check, rest_seconds=rest_seconds)

    def _send(self, method: str, path: str, body: Any) -> dict[str, Any]:
        answer = self._session.request(method, f"{self.url}{path}", json=body, timeout=300)
        if not answer.ok:
            raise requests.HTTPError(f"{answer.status_code} for {path}: {answer.text[:500]}")
        result: dict[str, Any] = answer.json()
        return result

    def _answers(self) -> bool:
        return self._status() is not None

    def _has_ticked(self) -> bool:
        answer = self._session.get(f"{self.url}/readyz", timeout=30).json()
        return answer["last_tick_age_seconds"] is not None

    def _status(self) -> int | None:
        try:
            return self._session.get(f"{self.url}/readyz", timeout=30).status_code
        except requests.ConnectionError:
            return None


@contextmanager
def installed(
    checkout: Checkout, folder: Path, place: Place | None, settings: Mapping[str, object]
) -> Iterator[Carillon]:
    """Yield a Carillon whose processes end with the block."""
    carillon = Carillon(checkout, folder, place, settings)
    with carillon.children:
        yield carillon


def _environment(
    checkout: Checkout, data: Path, port: int, place: Place | None, settings: Mapping[str, object]
) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    servers = {} if place is None else _servers(place)
    given = {name.upper(): str(value) for name, value in settings.items()}
    return {
        **kept,
        **servers,
        "DATA_DIR": str(data),
        "PORT": str(port),
        "PYTHONPATH": os.pathsep.join([str(checkout.folder), str(ROOT / "bench" / "task_types")]),
        "TASK_TYPES": NOOP,
        "LOG_LEVEL": "WARNING",
        "ACCOUNT_RATE": "none",
        "SECRET_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),  # so that callbacks are signed
        "CALLBACK_BASE_URL": NOBODY,
        **given,
    }


def _servers(place: Place) -> dict[str, str]:
    return {
        "DATABASE_URL": place.database_url,
        "RABBITMQ_URL": place.rabbitmq_url,
        "RABBITMQ_MANAGEMENT_URL": place.management_url,
    }
