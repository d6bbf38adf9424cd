"""Watches a filled queue run empty: runs per second, and the processor time of a run by kind of process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bench import waiting

LOOK_AGAIN_SECONDS = 0.25  # a look counts rows
_MIN_JOBS, _MAX_JOBS = 400, 60_000
_FIRST_GUESS = 150.0
_rates: dict[str, float] = {}

Meters = Mapping[str, Callable[[], float]]


class Drain(Protocol):
    """A queue that workers are emptying."""

    def begun(self) -> bool:
        """Tell whether the first job has been begun."""
        ...

    def done(self) -> int:
        """Returns how many jobs have been recorded as done."""
        ...

    def seconds(self) -> float:
        """Returns the time from the first job's start to the last job's record, once all are done."""
        ...

    def check(self) -> None:
        """Raise if it can no longer finish."""
        ...


@dataclass(frozen=True)
class Amount:
    """How many jobs fill the time, at the rate of the last drain of jobs of this kind."""

    kind: str

    def jobs(self, seconds: float) -> int:
        """Returns how many jobs last about this long."""
        return min(_MAX_JOBS, max(_MIN_JOBS, int(_rates.get(self.kind, _FIRST_GUESS) * seconds)))

    def learn(self, jobs_per_second: float) -> None:
        """Remember the rate for the rest of this run of the benchmarks."""
        _rates[self.kind] = jobs_per_second


def watch(drain: Drain, jobs: int, meters: Meters) -> dict[str, float]:
    """Return when all jobs are done, with the figures."""
    waiting.until(drain.begun, "the first job", check=drain.check)
    before = _read(meters)
    waiting.until(
        lambda: drain.done() >= jobs, "the last job", check=drain.check, seconds=900, rest_seconds=LOOK_AGAIN_SECONDS
    )
    after = _read(meters)
    taken = {f"{kind}_ms": 1000 * (after[kind] - before[kind]) / jobs for kind in meters}
    return {"per_s": jobs / drain.seconds(), **taken, "jobs": float(jobs)}


def _read(meters: Meters) -> dict[str, float]:
    return {kind: meter() for kind, meter in meters.items()}
