"""The command line: `python -m bench pages [--ended N] [--seconds N]`: pages and lists over many stored runs.

A database is filled by COPY as `bench growth` does it: ten ended runs for each job. Then one web process answers each
page and list again and again, on one connection. What is printed is the whole time of a request, so a little more than
the server's own; the targets are for that. The first answer of each finds nothing that is kept for a while; the others
have what people have who keep a page open.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import requests

from bench import checkout
from bench.carillon import Carillon, installed
from bench.figures import percentile
from bench.growth import filling
from bench.growth.filling import Amounts
from bench.growth.system import APP, connected
from bench.servers import Place, running
from bench.table import number
from local.foreground import exit_on_signals
from models import database

_OVERVIEW_MS, _LIST_MS = 50.0, 100.0
_WAITING = 1_000
_FEWEST = 10
# As a coordinator would have summed them up.
_MINUTES = """
    INSERT INTO minutes (minute, started, completed, failed, waiting, lateness_p95_seconds)
    SELECT minute, 60, 58, 2, 5, 0.02 FROM generate_series(
        date_trunc('minute', now()) - interval '7 days', date_trunc('minute', now()) - interval '1 minute',
        interval '1 minute') AS minute
"""


@dataclass(frozen=True)
class Shown:
    """What is asked for, and within how many milliseconds it should come."""

    path: str
    most_ms: float = _LIST_MS


def main(arguments: Sequence[str]) -> int:
    """Fill, ask, print. Returns 1 if the median of anything is over its target."""
    given = _parser().parse_args(arguments)
    with exit_on_signals(), running("pages") as (folder, servers), servers.place() as place:
        return _measure(place, folder, Amounts(given.ended, _WAITING, _WAITING), given.seconds)


def _measure(place: Place, folder: Path, amounts: Amounts, seconds: float) -> int:
    print(f"{amounts.name} ...", file=sys.stderr, flush=True)
    job_id = filling.fill(place, connected(place.database_url), amounts)
    database.disconnect()
    place.query(_MINUTES)
    run_id = place.query("SELECT id FROM runs WHERE job_id = %s LIMIT 1", (str(job_id),))[0][0]
    missed = 0
    with installed(checkout.ours(), folder, place, {}) as carillon:
        carillon.start("web")
        carillon.start("coordinator")
        carillon.wait_until_coordinated()
        print(f"{'ms':44}  {'first':>7}  {'p50':>7}  {'p95':>7}  {'most':>5}", flush=True)
        for one in _all_shown(job_id, run_id):
            missed += _ask(carillon, one, seconds)
    print("< the median is over what it may be at most" if missed else "all are within their targets", flush=True)
    return 1 if missed else 0


def _all_shown(job_id: UUID, run_id: UUID) -> list[Shown]:
    """Returns what is asked for: every page, and the lists of the API by each filter that people use."""
    of_one = (f"jobs/{job_id}", f"jobs/{job_id}/versions", f"runs/{run_id}")
    pages = ("jobs", "jobs?status=failed", f"jobs?app_name={APP}", "runs", "runs?status=failed", "failures")
    others = ("upcoming", "queues", "limits", "workers", "apps", "people", "audit", "new")
    texts = ("greet", "branch 77", "branch 77&ordering=name", "nothing", "x7")
    searches = (f"?search={text}" for text in texts)
    jobs = ("", "?status=completed", *searches, "?ordering=-priority", "?tag=none", f"?app_name={APP}")
    runs = ("", "?status=failed", f"?app_name={APP}", "?status=queued", f"?job_id={job_id}")
    figures = ("jobs/stats", "stats/series", "failures")
    return [
        Shown("/dashboard/", _OVERVIEW_MS),
        *(Shown(f"/dashboard/{path}") for path in (*pages, *others, *of_one)),
        *(Shown(f"/api/jobs{given}") for given in jobs),
        *(Shown(f"/api/runs{given}") for given in runs),
        *(Shown(f"/api/{path}") for path in figures),
    ]


def _ask(carillon: Carillon, one: Shown, seconds: float) -> bool:
    """Ask for so many seconds, a few times at least, and print how long it took. Returns whether it took too long."""
    taken: list[float] = []
    with requests.Session() as session:
        until = time.monotonic() + seconds
        while len(taken) < _FEWEST or time.monotonic() < until:
            began = time.perf_counter()
            session.get(f"{carillon.url}{one.path}", timeout=60).raise_for_status()
            taken.append(1000 * (time.perf_counter() - began))
    first, later = taken[0], taken[1:]
    median = percentile(later, 0.5)
    mark = " <" if median > one.most_ms else ""
    shown = "  ".join(f"{number(figure):>7}" for figure in (first, median, percentile(later, 0.95)))
    print(f"{one.path:44.44}  {shown}  {one.most_ms:5.0f}{mark}", flush=True)
    return bool(mark)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench pages", description="Measures pages and lists over many stored runs.")
    parser.add_argument("--ended", type=int, default=1_000_000, help="ended runs, ten for each job")
    parser.add_argument("--seconds", type=float, default=2, help="how long each is asked for")
    return parser
