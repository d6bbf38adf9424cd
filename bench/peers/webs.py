"""The peers that take jobs over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from bench import load, waiting
from bench.checkout import ROOT
from bench.children import Children
from bench.figures import Sample
from bench.load import Asked
from bench.peers import environment
from bench.servers import Servers
from local import ports

BODY = {"name": "bench", "payload": {"task": "noop", "n": 1}}
_TABLE = """
    CREATE TABLE web_jobs (
        id bigserial PRIMARY KEY,
        name text NOT NULL,
        payload jsonb NOT NULL,
        state text NOT NULL DEFAULT 'queued',
        created_at timestamptz NOT NULL DEFAULT now()
    )"""


def _gunicorn(port: int) -> list[str]:
    workers = ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--keep-alive", "75"]
    return ["gunicorn", *workers, "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "bench.peers.drf_app:app"]


def _uvicorn(port: int) -> list[str]:
    fast = ["--workers", "2", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return ["uvicorn", *fast, "--host", "127.0.0.1", "--port", str(port), "bench.peers.falcon_app:app"]


@dataclass(frozen=True)
class WebPeer:
    """A web stack of two processes that stores a row for each request."""

    name: str
    command: Callable[[int], list[str]]
    servers: Servers
    folder: Path

    def sample(self, seconds: float) -> Sample:
        """Start it on an empty table, and send requests for so long."""
        port = ports.remembered(self.folder / "peer-ports.json", ["web"])["web"]
        with self.servers.place() as place, Children(self.folder / "peers.log") as children:
            place.query(_TABLE)
            surroundings = environment.variables(
                {"BENCH_DATABASE": place.database_url, "BENCH_RABBITMQ": place.rabbitmq_url}
            )
            children.start("web", [environment.python(), "-m", *self.command(port)], surroundings, ROOT)
            url = f"http://127.0.0.1:{port}/jobs"
            waiting.until(lambda: _answers(url), self.name, check=children.check)
            meters = {**children.meters("web"), **self.servers.processor_times()}
            return load.measured(Asked(url, BODY), seconds, self.folder, meters)


def _answers(url: str) -> bool:
    try:
        return requests.post(url, json=BODY, timeout=30).ok
    except requests.ConnectionError:
        return False


def drf(servers: Servers, folder: Path) -> WebPeer:
    """Returns Django REST framework, which publishes a message for each row."""
    return WebPeer("DRF + publish, 2 processes", _gunicorn, servers, folder)


def falcon_asyncpg(servers: Servers, folder: Path) -> WebPeer:
    """Returns Falcon with SQL by hand."""
    return WebPeer("Falcon + asyncpg, 2 processes", _uvicorn, servers, folder)
