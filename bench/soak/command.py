"""The command line: `python -m bench soak [--minutes 30] [--share 0.7] [--per-second N]`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import checkout, processor_time, receiver, waiting
from bench.carillon import Carillon, installed
from bench.carillon_drain import COMPLETED
from bench.servers import Place, Servers
from bench.soak import costs, report
from bench.soak.load import Load, recurring
from bench.soak.watching import Watcher
from local.foreground import exit_on_signals
from processes.programs import ProgramError

_KINDS = {"web": 1, "worker": 2, "coordinator": 1, "periodic": 1}
_SETTINGS = {"worker_threads": 8, "requests_per_minute": "none"}
_RECURRING, _EVERY_SECONDS = 60, 10
_WARM_UP_SECONDS, _PILOT_SECONDS = 10.0, 30.0
_UNDER_WAY = 400  # as many as keep every thread busy, and few enough not to be a backlog
_LOOK_AGAIN_SECONDS = 0.25
_WORKERS = "SELECT count(*) FROM workers WHERE stopped_at IS NULL"
_LEFT = "SELECT count(*) FROM runs WHERE status IN ('queued', 'running')"
_FAILED = "SELECT count(*) FROM runs WHERE status = 'failed'"
_FAULTS = (ProgramError, TimeoutError)


@dataclass(frozen=True)
class _Parties:
    """The database and virtual host, the processes on them, the servers, and the load."""

    place: Place
    carillon: Carillon
    servers: Servers
    load: Load


def main(arguments: Sequence[str]) -> int:
    """Run, print. Returns 0 if all is flat and nothing failed, 1 if not, 2 if the run itself failed."""
    given = _parser().parse_args(arguments)
    with exit_on_signals(), tempfile.TemporaryDirectory(prefix="carillon-soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as a user of its own
        try:
            return _run(folder, given)
        except _FAULTS as error:
            print(f"the soak failed: {error}", file=sys.stderr)
            return 2


def _run(folder: Path, given: argparse.Namespace) -> int:
    with ExitStack() as parts:
        servers = Servers(folder)
        parts.callback(servers.close)
        servers.start()
        place = parts.enter_context(servers.place())
        receiving = parts.enter_context(receiver.running(folder))
        settings = {**_SETTINGS, "callback_base_url": receiving.url}
        carillon = parts.enter_context(installed(checkout.ours(), folder, place, settings))
        for kind, count in _KINDS.items():
            carillon.start(kind, count)
        carillon.wait_until_ready()
        carillon.wait_until(lambda: place.count(_WORKERS) == _KINDS["worker"], "the workers")
        carillon.create_all(recurring(_RECURRING, _EVERY_SECONDS))
        with Load(carillon.url) as load:
            parties = _Parties(place, carillon, servers, load)
            per_second = given.per_second or given.share * _full_speed(parties)
            print(f"{per_second:,.0f} jobs a second for {given.minutes:g} minutes", flush=True)
            return _soak(parties, per_second, given.minutes * 60)


def _full_speed(parties: _Parties) -> float:
    """Returns how many runs a second complete while creates keep as many under way as keep all threads busy."""
    carillon, load = parties.carillon, parties.load
    with parties.place.counting() as count:

        def keep_busy(seconds: float) -> None:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                carillon.children.check()
                load.allowed = count(COMPLETED) + _UNDER_WAY
                time.sleep(_LOOK_AGAIN_SECONDS)

        keep_busy(_WARM_UP_SECONDS)
        began, before = time.monotonic(), count(COMPLETED)
        keep_busy(_PILOT_SECONDS)
        found = (count(COMPLETED) - before) / (time.monotonic() - began)
        load.allowed = 0
        waiting.until(lambda: count(_LEFT) < _UNDER_WAY // 10, "the end of the pilot", check=carillon.children.check)
    print(f"full speed: {found:,.0f} jobs a second, created and called for", flush=True)
    return found


def _soak(parties: _Parties, per_second: float, seconds: float) -> int:
    place, carillon, load = parties.place, parties.carillon, parties.load
    families = {**_pids(carillon), **parties.servers.pids()}
    with Watcher(place, families) as watcher:
        before = processor_time.of_trees(families.values())
        load.keep_pace(per_second, seconds, carillon.children.check)
        share = (processor_time.of_trees(families.values()) - before) / seconds / (os.cpu_count() or 1)
    behind = load.allowed - load.sent
    waiting.until(lambda: place.count(_LEFT) < _RECURRING, "the end of what is left", rest_seconds=1)
    return _told(watcher, load, behind, place.count(_FAILED), share)


def _told(watcher: Watcher, load: Load, behind: int, failed: int, busy: float) -> int:
    overall = watcher.overall()
    print("\n".join(report.table(watcher.samples, watcher.connections)))
    print("\n".join(costs.table(watcher.samples, watcher.runs_between)))
    print(f"these processes and the servers used {100 * busy:.0f} % of {os.cpu_count()} processors")
    faults = report.growing(watcher.samples)
    if overall is None:
        faults.append("no run ended")
    else:
        print(report.lateness_line(overall, watcher.minutes))
    if load.refused:
        faults.append(f"requests without success: {dict(load.refused)}")
    if failed:
        faults.append(f"{failed} runs failed")
    if behind > _UNDER_WAY:
        faults.append(f"the load fell {behind:,} jobs behind its pace: the API took too long")
    print("\n".join(faults) or "all is flat, nothing failed", flush=True)
    return 1 if faults else 0


def _pids(carillon: Carillon) -> dict[str, int]:
    return {
        f"{kind} {number}" if count > 1 else kind: pid
        for kind, count in _KINDS.items()
        for number, pid in enumerate(carillon.children.pids(kind), start=1)
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench soak", description="Watches memory and lateness under a steady load.")
    parser.add_argument("--minutes", type=float, default=30, help="how long the load lasts")
    parser.add_argument("--share", type=float, default=0.7, help="of full speed, which is measured first")
    parser.add_argument("--per-second", type=float, help="so many jobs a second, without measuring full speed")
    return parser
