"""The command line: `python -m bench live [--listeners N] [--jobs N]`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import checkout, processor_time, waiting
from bench.carillon import Carillon, installed, job
from bench.live.listeners import EventListener, Listener, SocketListener
from bench.live.probe import Probe
from bench.servers import Place, Servers
from local.foreground import exit_on_signals

_APPS = 20
_AT_ONCE = 50
_LONGEST_SECONDS = 600.0
_MAX_TIMES_SLOWER = 2.0
_MAX_GROWTH = 1.1
_DONE = "SELECT count(*) FROM jobs WHERE state = 'completed'"


@dataclass
class Crowd:
    """The listeners, on an event loop of a thread of its own."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    listeners: list[Listener] = field(default_factory=list)
    _listening: list[Future[None]] = field(default_factory=list)  # the loop itself keeps no task alive

    def add(self, listeners: Sequence[Listener]) -> None:
        """Begin to listen, and return when all have been let in."""
        self.listeners += listeners
        for first in range(0, len(listeners), _AT_ONCE):
            for one in listeners[first : first + _AT_ONCE]:
                self._listening.append(asyncio.run_coroutine_threadsafe(one.listen(), self.loop))
        self.wait_until_open()

    def wait_until_open(self) -> None:
        """Return when every listener is let in."""
        self._wait(lambda: all(one.is_open for one in self.listeners), "every listener to be let in")

    def wait_until_all_know(self) -> None:
        """Return when every listener knows that every job it follows has ended."""
        self._wait(lambda: all(one.knows_all for one in self.listeners), "every listener to know the end of all jobs")

    def sum(self, of: Callable[[Listener], int]) -> int:
        """Returns the sum of a figure over all listeners."""
        return sum(map(of, self.listeners))

    def close(self) -> None:
        """End the listening."""
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        waiting.until(condition, what, seconds=_LONGEST_SECONDS, rest_seconds=0.2)


def main(arguments: Sequence[str]) -> int:
    """Measure, print. Returns 1 if a listener does not end as it should, or the API or the memory suffers."""
    given = _parser().parse_args(arguments)
    with exit_on_signals(), tempfile.TemporaryDirectory(prefix="carillon-live-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as a user of its own
        servers = Servers(folder)
        try:
            servers.start()
            with servers.place() as place, installed(checkout.ours(), folder, place, {}) as carillon, _crowd() as crowd:
                return _measure(carillon, place, crowd, given.listeners, given.jobs)
        finally:
            servers.close()


def _measure(carillon: Carillon, place: Place, crowd: Crowd, listeners: int, jobs: int) -> int:
    carillon.start("web")
    carillon.start("coordinator")
    carillon.wait_until_coordinated()
    first = _drain(carillon, place, _create(carillon, jobs))
    print(f"without listeners: {first}; the web process has {_memory(carillon):.0f} MB", flush=True)

    of_apps = _create(carillon, jobs)
    every = [job_id for ids in of_apps.values() for job_id in ids]
    apps = list(of_apps.items())
    crowd.add([EventListener(carillon.url, *apps[number % len(apps)]) for number in range(listeners)])
    crowd.add([SocketListener(carillon.url, every[number % len(every)]) for number in range(listeners)])
    print(
        f"{listeners:,} listeners by events, {listeners:,} by WebSockets; "
        f"the web process has {_memory(carillon):.0f} MB",
        flush=True,
    )
    second = _drain(carillon, place, of_apps, kill_at=jobs // 2)
    crowd.wait_until_open()
    crowd.wait_until_all_know()
    events, resets = crowd.sum(lambda one: one.events), crowd.sum(lambda one: one.resets)
    steps_back = crowd.sum(lambda one: one.steps_back)
    print(
        f"with listeners, until the web process was killed: {second}; all know the end of every job; "
        f"{events:,} events, {resets:,} resets, {steps_back} steps back",
        flush=True,
    )
    before = _memory(carillon)
    _drain(carillon, place, _create(carillon, jobs))
    after = _memory(carillon)
    print(f"memory of the web process: {before:.0f} MB, after {jobs:,} more jobs {after:.0f} MB", flush=True)
    faults = [
        *(["a listener saw a status or as_of go back"] if steps_back else []),
        *(["the API got more than twice as slow"] if second.p99_ms > _MAX_TIMES_SLOWER * first.p99_ms else []),
        *(["the API refused to answer"] if first.refused or second.refused else []),
        *(["memory grows"] if after > _MAX_GROWTH * before else []),
    ]
    print("\n".join(faults) or "all holds", flush=True)
    return 1 if faults else 0


@dataclass(frozen=True)
class Drained:
    """How fast the runs ended, how fast the API was meanwhile, and how often it refused."""

    per_s: float
    p99_ms: float
    refused: int
    web_share: float

    def __str__(self) -> str:
        return (
            f"{self.per_s:,.0f} runs a second, the API's p99 {self.p99_ms:.1f} ms, "
            f"the web process on {self.web_share:.0%} of a core"
        )


def _create(carillon: Carillon, jobs: int) -> dict[str, list[str]]:
    """Create so many jobs, spread over the apps. Returns their ids by app."""
    apps = [f"app-{number}" for number in range(_APPS)]
    return {app: carillon.create_all([job(app_name=app)] * (jobs // _APPS)) for app in apps}


def _drain(carillon: Carillon, place: Place, of_apps: dict[str, list[str]], kill_at: int | None = None) -> Drained:
    """Start the workers, and stop them when all jobs are done; the web process is killed after so many, if any."""
    jobs = sum(map(len, of_apps.values()))
    probe = Probe(f"{carillon.url}/api/jobs/{next(iter(of_apps.values()))[0]}/status")
    with place.counting() as count:
        done_before = count(_DONE)

        def wait_for(wanted: int) -> None:
            waiting.until(
                lambda: count(_DONE) - done_before >= wanted, "jobs to end", seconds=_LONGEST_SECONDS, rest_seconds=0.1
            )

        began, used_before = time.monotonic(), _processor_seconds(carillon)
        carillon.start("worker", 2)
        with probe.asking():
            wait_for(jobs if kill_at is None else kill_at)
        web_share = (_processor_seconds(carillon) - used_before) / (time.monotonic() - began)
        if kill_at is not None:
            carillon.children.kill("web", signal.SIGKILL)
            carillon.start("web")
            wait_for(jobs)
        seconds = time.monotonic() - began
    carillon.children.stop("worker")
    return Drained(jobs / seconds, probe.p99_ms, probe.refused, web_share)


def _processor_seconds(carillon: Carillon) -> float:
    """Returns what the web process has used of the processor."""
    return processor_time.of_trees(carillon.children.pids("web"))


def _memory(carillon: Carillon) -> float:
    """Returns the megabytes of the web process."""
    return processor_time.memory_of_trees(carillon.children.pids("web"))[0]


@contextmanager
def _crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    threading.Thread(target=crowd.loop.run_forever, daemon=True).start()
    try:
        yield crowd
    finally:
        crowd.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench live", description="Measures the live channel with many listeners.")
    parser.add_argument("--listeners", type=int, default=500, help="of each kind: by events, by WebSockets")
    parser.add_argument("--jobs", type=int, default=4_000, help="jobs in each of three drains")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
