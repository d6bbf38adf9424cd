"""The load: what is sent when, drawn from the seed, and sent by a few threads."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.chaos.caller import Caller
from bench.chaos.kinds import KINDS, Kind
from bench.chaos.scenario import Scenario

_THREADS = 12
_WITH_KEY_EVERY = 5
_FLOOD = 1_000
_FLOOD_IN_ONE_BODY = 50
_CHANGES = {"edit": 50, "cancel": 50, "delete": 50, "backfill": 30}
_CHANGED = {"edit": ("timed",), "cancel": ("timed", "interval", "polling"), "delete": ("timed", "interval")}
_UPLOADS = 40
_LATE_ENOUGH_SECONDS = 8.0


@dataclass
class Load:
    """Sends everything at its instant. Those jobs that are to be changed are changed some seconds after."""

    scenario: Scenario
    caller: Caller
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _agenda: list[tuple[float, int, Callable[[], Any]]] = field(default_factory=list)

    def run(self) -> None:
        """Send all of it; return when the last request is answered."""
        self._draw()
        began = time.monotonic()
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="load") as pool:
            sent: list[Future[Any]] = []
            while self._agenda:
                at, _, act = heapq.heappop(self._agenda)
                time.sleep(max(0.0, began + at - time.monotonic()))
                sent.append(pool.submit(act))
            for one in sent:
                one.result()

    def flood(self) -> None:
        """Have one tenant create very many jobs at once."""
        kind = next(kind for kind in KINDS if kind.name == "immediate")
        draws = self.scenario.draws("flood")
        for _ in range(self.scenario.count(_FLOOD) // _FLOOD_IN_ONE_BODY):
            numbers = [next(self._numbers) for _ in range(_FLOOD_IN_ONE_BODY)]
            now = datetime.now(UTC)
            bodies = {one: kind.body(self.scenario, draws, one, now) for one in numbers}
            self.caller.post_many({one: {**body, "account_id": "big"} for one, body in bodies.items()})

    def _draw(self) -> None:
        draws = self.scenario.draws("load")
        changes = self._changes()
        for kind in KINDS:
            for place in range(self.scenario.count(kind.of_ten_minutes, at_least=kind.at_least)):
                # What comes back begins early, so that faults meet it.
                latest = self.scenario.load_seconds * (0.3 if kind.name in ("interval", "cron") else 1)
                self._at(
                    draws.uniform(0, latest),
                    partial(self._create, kind, draws.random(), place, _taken(changes, kind.name)),
                )
        for place in range(self.scenario.count(_UPLOADS, at_least=3)):
            content = draws.randbytes(20_000)
            self._at(
                draws.uniform(0, self.scenario.load_seconds), partial(self.caller.upload, f"f{place}.bin", content)
            )

    def _changes(self) -> dict[str, list[str]]:
        """Returns, for each kind of job, what is to become of the first ones of it."""
        changes: dict[str, list[str]] = {"interval": ["backfill"] * self.scenario.count(_CHANGES["backfill"] // 4)}
        for change, kinds in _CHANGED.items():
            for place in range(self.scenario.count(_CHANGES[change], at_least=3)):
                changes.setdefault(kinds[place % len(kinds)], []).append(change)
        return changes

    def _at(self, seconds: float, act: Callable[[], Any]) -> None:
        heapq.heappush(self._agenda, (seconds, next(self._order), act))

    def _create(self, kind: Kind, drawn: float, place: int, change: str | None) -> None:
        number = next(self._numbers)
        body = kind.body(self.scenario, self.scenario.draws(f"{kind.name}/{place}"), number, datetime.now(UTC))
        keyed = place % _WITH_KEY_EVERY == 0 or change is not None
        job_id = (self.caller.post_with_key if keyed else self.caller.post)(number, body)
        if job_id is not None and change is not None:
            time.sleep(drawn * 4)
            self._change(change, job_id)

    def _change(self, change: str, job_id: str) -> None:
        if change == "backfill":
            time.sleep(_LATE_ENOUGH_SECONDS)
            with ThreadPoolExecutor(2) as pool:  # twice at once
                list(pool.map(self.caller.backfill, [job_id, job_id]))
        else:
            self.caller.ask(change, job_id, edition=1 if change == "edit" else None)


def _taken(changes: dict[str, list[str]], kind: str) -> str | None:
    return changes[kind].pop() if changes.get(kind) else None
