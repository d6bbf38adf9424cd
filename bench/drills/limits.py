"""The drill of limits: five keys with rates and places, changed under load while workers and a coordinator are killed.

The receiver never sees one call more than a key allows, nothing is stranded, and what waited was held.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests

from bench import carillon as carillons
from bench.carillon import Carillon
from bench.checkout import ours
from bench.drills.limit_journal import RATE_SECONDS, Call, Put
from bench.drills.limit_judging import judge_limits
from bench.drills.slow_receiver import SlowReceiver
from bench.drills.verdict import Verdict, say
from bench.servers import Place
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit

SECONDS = 180.0
_THREADS = 8
_WORKERS = ("worker_a", "worker_b")
_JOBS_A_STEP, _STEP_SECONDS = 5, 0.5
_CHANGE_EVERY, _KILL_EVERY = 3, 9  # steps
_KEY = "{{data.customer}}"
_APP, _ACCOUNT, _OTHER, _CUSTOMER, _HOST = (
    "app:drill",
    "account:drill/a",
    "account:drill/b",
    "key:drill/k",
    "host:127.0.0.1",
)
# How few and how many each key allows: at once, and within the span of a rate.
_BOUNDS: dict[str, tuple[tuple[int, int] | None, tuple[int, int] | None]] = {
    _APP: ((3, 10), None),
    _ACCOUNT: (None, (8, 30)),
    _OTHER: ((1, 4), (10, 40)),
    _CUSTOMER: (None, (10, 40)),
    _HOST: ((4, 14), (40, 120)),
}
_UNFINISHED = "SELECT COUNT(*) FROM runs WHERE finished_at IS NULL"
_ENDED = "SELECT status, COUNT(*) FROM runs GROUP BY status ORDER BY status"
_WAITED = """
    SELECT COUNT(*), COALESCE(SUM(waited), 0)::DOUBLE PRECISION, COALESCE(SUM(held), 0)::DOUBLE PRECISION FROM (
        SELECT EXTRACT(EPOCH FROM a.started_at - r.scheduled_for) AS waited, (
            SELECT SUM(EXTRACT(EPOCH FROM LEAST(COALESCE(h.until, a.started_at), a.started_at) - h.since))
            FROM run_holds h WHERE h.run_id = r.id AND h.since < a.started_at
        ) AS held
        FROM runs r JOIN attempts a ON a.run_id = r.id AND a.number = 1
    ) firsts
"""
_HOLDS = """
    SELECT h.run_id, h.number, h.key, EXTRACT(EPOCH FROM h.until - h.since)::DOUBLE PRECISION, j.data
    FROM run_holds h JOIN runs r ON r.id = h.run_id JOIN jobs j ON j.id = r.job_id
"""
_CLOCKS_SECONDS = 0.1


def run(folder: Path, seconds: float, seed: int) -> int:
    """Run the drill. Returns the exit status."""
    verdict = Verdict("limits")
    with ExitStack() as parts:
        postgres = parts.enter_context(PrivatePostgres(folder / "postgres", durable=True))
        rabbit = parts.enter_context(PrivateRabbit(folder / "rabbitmq"))
        receiver = parts.enter_context(SlowReceiver(seed))
        place = Place(postgres.create_database("drill"), rabbit.url, rabbit.management_url)
        running = parts.enter_context(carillons.installed(ours(), folder, place, _settings(receiver)))
        drill = _Drill(running, random.Random(seed))
        drill.begin()
        jobs = drill.load_and_break(seconds)
        drill.open_wide()
        running.wait_until(lambda: place.count(_UNFINISHED) == 0, "the end of all runs", rest_seconds=0.5)
        running.wait_until(lambda: not _standing(running), "the end of all places and holds", rest_seconds=0.5)
        _judge(verdict, place, receiver, drill, jobs)
    return verdict.told()


class _Drill:
    """The load, the changes and the kills, all drawn from the seed."""

    def __init__(self, running: Carillon, draws: random.Random) -> None:
        self.puts: list[Put] = []
        self.kills = 0
        self._running = running
        self._draws = draws
        self._numbers = iter(range(10**9))

    def begin(self) -> None:
        """Limit every key, and start everything."""
        self._running.start("web")
        self._running.put("/api/apps/drill", {})
        for key in _BOUNDS:
            self._put(key)
        self._running.start("coordinator")
        self._running.wait_until_coordinated()
        for name in _WORKERS:
            self._running.start("worker", name=name)
        time.sleep(1)  # an engine asks each second whether there are limits

    def load_and_break(self, seconds: float) -> int:
        """Create jobs at a steady pace; change limits and kill processes meanwhile. Returns how many were created."""
        began, jobs = time.monotonic(), 0
        for step in range(int(seconds / _STEP_SECONDS)):
            self._running.create_all([_body(self._draws, next(self._numbers)) for _ in range(_JOBS_A_STEP)])
            jobs += _JOBS_A_STEP
            if step % _CHANGE_EVERY == _CHANGE_EVERY - 1:
                self._put(self._draws.choice(list(_BOUNDS)))
            if step % _KILL_EVERY == _KILL_EVERY - 1:
                self._kill()
            time.sleep(max(0.0, began + (step + 1) * _STEP_SECONDS - time.monotonic()))
        say(f"{jobs} jobs were created, {len(self.puts)} limits put, {self.kills} processes killed")
        return jobs

    def open_wide(self) -> None:
        """Let each key allow the most, so that what waits is soon done."""
        for key in _BOUNDS:
            self._put(key, most=True)

    def _put(self, key: str, *, most: bool = False) -> None:
        at_once, at_a_rate = _BOUNDS[key]
        concurrency = None if at_once is None else at_once[1] if most else self._draws.randint(*at_once)
        calls = None if at_a_rate is None else at_a_rate[1] if most else self._draws.randint(*at_a_rate)
        limit: dict[str, Any] = {} if concurrency is None else {"concurrency": concurrency}
        if calls is not None:
            limit["rate"] = {"calls": calls, "per_seconds": RATE_SECONDS}
        sent = time.time()
        self._running.put(f"/api/limits/{key}", limit)
        self.puts.append(Put(key, sent, time.time(), concurrency, calls))

    def _kill(self) -> None:
        """Kill a worker, sometimes the coordinator, and start it again."""
        name = self._draws.choice([*_WORKERS, *_WORKERS, "coordinator"])
        self._running.children.kill(name, signal.SIGKILL)
        self._running.start(name.partition("_")[0], name=name)
        self.kills += 1


def _body(draws: random.Random, number: int) -> dict[str, Any]:
    account = draws.choice("abc")
    customer = draws.choice(["k", "k", "other"])
    keys = [_APP, _HOST, f"account:drill/{account}", f"key:drill/{customer}"]
    return {
        **carillons.job("drill"),
        "app_name": "drill",
        "account_id": account,
        "limit_key": _KEY,
        "data": {"n": number, "customer": customer, "keys": keys},
    }


def _settings(receiver: SlowReceiver) -> dict[str, object]:
    return {
        "callback_base_url": receiver.url,
        "requests_per_minute": "none",
        "worker_threads": _THREADS,
        "lease_seconds": 6,
        "heartbeat_seconds": 2,
        "retry_backoff_base": 1,
    }


def _standing(running: Carillon) -> list[dict[str, Any]]:
    """Returns the limits under which something is under way or waits, by the API."""
    listed = requests.get(f"{running.url}/api/limits", timeout=30).json()["results"]
    return [one for one in listed if one["running"] or one["waiting"]]


def _judge(verdict: Verdict, place: Place, receiver: SlowReceiver, drill: _Drill, jobs: int) -> None:
    calls = receiver.calls()
    judge_limits(verdict, place, calls, drill.puts)
    for line in _busiest(calls):
        verdict.note(line)
    ended = dict(place.query(_ENDED))
    verdict.expect(holds=sum(ended.values()) == jobs, found=f"{jobs} jobs: {ended}; no place is taken, nothing held")
    holds = place.query(_HOLDS)
    odd = [
        f"hold {number} of run {run_id} by {key} lasted {lasted} s"
        for run_id, number, key, lasted, data in holds
        if lasted is None or lasted < -_CLOCKS_SECONDS or key not in _keys(data)
    ]
    told = "; ".join(odd[:5]) or "each is over, and under a key of its run"
    verdict.expect(holds=not odd, found=f"{len(holds)} holds: {told}")
    count, waited, held = place.query(_WAITED)[0]
    # The rest is for free threads, and for what was killed: how long that takes tells of the machine.
    verdict.note(f"{count} runs waited {waited:.0f} s together, of which they were held {held:.0f} s")


def _keys(data: Any) -> list[str]:
    given = json.loads(data) if isinstance(data, str) else data
    keys: list[str] = given["keys"]
    return keys


def _busiest(calls: list[Call]) -> Iterator[str]:
    """Tell of each key how many calls it saw, so that a limit that nothing came near is noticed."""
    for key in _BOUNDS:
        of_key = [call for call in calls if key in call.keys]
        most = max((sum(one.arrived <= call.arrived < one.left for one in of_key) for call in of_key), default=0)
        yield f"{key}: {len(of_key)} calls, at most {most} at once"
