"""How many requests a minute the API answers, over the jobs of many users: section 003 promises 6,000.

    .venv/bin/python -m bench.throughput [--users 10000] [--seconds 30]

Starts the Procfile's processes on private RabbitMQ and PostgreSQL, gives each user a cron job of section 003, and then
asks from eight threads: of ten requests six read one job, two list, one creates, one pauses. Nothing is due meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

import settings as configuration
from local import stack

ROOT = Path(__file__).resolve().parents[1]
THREADS = 8
GROUP = 500
PROMISED = 6_000
NEW_YEAR = "0 0 1 1 *"


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as name:
        environment = {**os.environ, "DATA_DIR": name, "LOG_LEVEL": "WARNING"}
        with stack.running(ROOT, environment, configuration.load(environment)) as running:
            job_ids = _fill(running.url, options.users)
            figures = _measure(running.url, job_ids, options.seconds)
    print(json.dumps({"bench": "requests_a_minute", "users": options.users, **figures}))


def _fill(url: str, users: int) -> list[str]:
    """A job for each user; the ids."""
    schedule = {"type": "cron", "expression": NEW_YEAR}
    common = {"app_name": "scheduler", "task_type": "job", "schedule": schedule}
    names = [f"user{number}" for number in range(users)]
    jobs = [{**common, "name": f"job of {name}", "account_id": name, "user_id": name} for name in names]
    ids: list[str] = []
    for first in range(0, users, GROUP):
        answer = requests.post(f"{url}/api/jobs/bulk", json={"jobs": jobs[first : first + GROUP]}, timeout=120)
        answer.raise_for_status()
        ids += [one["id"] for one in answer.json()["results"]]
    return ids


def _measure(url: str, job_ids: list[str], seconds: float) -> dict[str, Any]:
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        asking = [pool.submit(_ask, url, job_ids, number, began + seconds) for number in range(THREADS)]
        taken = sorted(one for thread in asking for one in thread.result())
    a_minute = len(taken) / (time.monotonic() - began) * 60
    return {
        "requests_a_minute": round(a_minute),
        "of_what_is_promised": round(a_minute / PROMISED, 1),
        "p50_ms": round(taken[len(taken) // 2] * 1e3, 1),
        "p99_ms": round(taken[len(taken) * 99 // 100] * 1e3, 1),
    }


def _ask(url: str, job_ids: list[str], thread: int, until: float) -> list[float]:
    """Ask until it is time; the seconds that each request took. Raises what was not answered well."""
    chance, session = random.Random(thread), requests.Session()
    taken: list[float] = []
    jobs = f"{url}/scheduler/jobs/"
    while time.monotonic() < until:
        job, kind = chance.choice(job_ids), chance.randrange(10)
        began = time.monotonic()
        match kind:
            case 0:
                body = {"name": f"{thread} {len(taken)}", "cron_expression": NEW_YEAR}
                answer = session.post(jobs, json=body, timeout=30)
            case 1:
                answer = session.patch(f"{jobs}{job}/", json={"is_active": False}, timeout=30)
            case 2 | 3:
                answer = session.get(f"{jobs}?page={chance.randrange(1, 50)}", timeout=30)
            case _:
                answer = session.get(f"{jobs}{job}/", timeout=30)
        taken.append(time.monotonic() - began)
        answer.raise_for_status()
    return taken


if __name__ == "__main__":
    main()
