"""How late jobs start: for jobs due evenly over a span, start minus due, in milliseconds.

    .venv/bin/python -m bench.lateness [--jobs 1000] [--span 20]

Starts the Procfile's processes on private RabbitMQ and PostgreSQL. `claimed` is the start that the run's row records;
`arrived` is when the receiver had the callback in its hands, by the same machine's clock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

import settings as configuration
from local import stack
from local.receiver import Receiver

ROOT = Path(__file__).resolve().parents[1]
LEAD_SECONDS = 8


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1_000)
    parser.add_argument("--span", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as name:
        receiver = Receiver(folder=Path(name))
        receiver.start()
        environment = {
            **os.environ,
            "DATA_DIR": name,
            "CALLBACK_BASE_URL": receiver.url,
            "LOG_LEVEL": "WARNING",
            "ACCOUNT_RATE": "off",
        }
        with stack.running(ROOT, environment, configuration.load(environment)) as running:
            figures = _measure(running.url, receiver, options.jobs, options.span)
        receiver.stop()
    print(json.dumps({"bench": "lateness_ms", "jobs": options.jobs, "span_s": options.span, **figures}))


def _measure(url: str, receiver: Receiver, jobs: int, span: float) -> dict[str, Any]:
    first = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)
    dues = [first + timedelta(seconds=span * number / jobs) for number in range(jobs)]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda due: _post(url, due), dues))
    posting = time.monotonic() - began
    if not receiver.wait_for(lambda entries: len(entries) >= jobs, timeout=LEAD_SECONDS + span + 60):
        sys.exit(f"only {len(receiver.journal)} of {jobs} callbacks came")
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda job_id: _run(url, job_id), ids))
    return {
        "posted_in_s": round(posting, 1),
        "claimed": _summary([_milliseconds(run["due_at"], _instant(run["started_at"])) for run in runs]),
        "arrived": _summary(
            [_milliseconds(entry.headers["x-carillon-scheduled-for"], entry.received_at) for entry in receiver.journal]
        ),
    }


def _post(url: str, due: datetime) -> str:
    body = {
        "app_name": "bench",
        "user_id": "u",
        "account_id": "a",
        "task_type": "noop",
        "schedule": {"type": "run_at", "timestamp": due.isoformat()},
    }
    answer = requests.post(f"{url}/api/jobs/create", json=body, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _run(url: str, job_id: str) -> dict[str, Any]:
    run: dict[str, Any] = requests.get(f"{url}/api/jobs/{job_id}/runs", timeout=30).json()["results"][0]
    return run


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _milliseconds(due: str, start: datetime) -> float:
    return (start - _instant(due)).total_seconds() * 1000


def _summary(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    picked = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in shares.items()}
    return {
        "n": len(ordered),
        **{name: round(value, 1) for name, value in {"min": ordered[0], **picked, "max": ordered[-1]}.items()},
    }


if __name__ == "__main__":
    main()
