"""Reads the command line, starts the servers, measures, and reports."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from requests import RequestException

from bench import checkout, report
from bench.figures import Result
from bench.measurements import (
    access,
    backlog,
    callbacks,
    cost,
    create,
    drain,
    embedded,
    kinds,
    lateness,
    limits,
    recovery,
    requests,
)
from bench.report import Files
from bench.servers import running
from bench.session import Options, Session
from local.foreground import exit_on_signals
from processes.programs import ProgramError

MEASUREMENTS: Mapping[str, Callable[[Session], list[Result]]] = {
    "drain": drain.measure,
    "callbacks": callbacks.measure,
    "kinds": kinds.measure,
    "create": create.measure,
    "lateness": lateness.measure,
    "backlog": backlog.measure,
    "recovery": recovery.measure,
    "cost": cost.measure,
    "limits": limits.measure,
    "access": access.measure,
    "embedded": embedded.measure,
    "requests": requests.measure,
}
ALL, COMMITS = "all", "commits"
_NAMES = f"{ALL}, {COMMITS} (what an earlier commit is mostly measured by), {', '.join(MEASUREMENTS)}"
_FAULTS = (ProgramError, TimeoutError, subprocess.CalledProcessError, RequestException)
_OF_COMMITS = ("drain", "callbacks", "create")
_QUICK = Options(quick=True, rounds=1, seconds=3, pilot_seconds=1, threads=(8,))


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    names: list[str]
    options: Options
    files: Files


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for, and print it."""
    asked = parse(arguments)
    with exit_on_signals(), _session(asked.options) as session:
        return 0 if _measure_all(session, asked) else 1


def parse(arguments: Sequence[str]) -> Asked:
    """Read the command line. Raises `SystemExit` if it is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if COMMITS in given.names and given.against is None:
        parser.error("commits needs --against REF")
    return Asked(names_of(given.names), _options(given), Files(given.out, given.svg, given.markdown))


def names_of(given: Sequence[str]) -> list[str]:
    """Returns the measurements asked for, each once and in their usual order."""
    wanted = set(given)
    if ALL in wanted:
        wanted |= set(MEASUREMENTS)
    if COMMITS in wanted:
        wanted |= set(_OF_COMMITS)
    return [name for name in MEASUREMENTS if name in wanted]


def _measure_all(session: Session, asked: Asked) -> bool:
    """Measure one after the other, rewriting the files after each. Returns whether all succeeded."""
    results: list[Result] = []
    failed = False
    for name in asked.names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            results += report.printed(MEASUREMENTS[name](session))
        except _FAULTS as error:
            print(f"{name} failed: {error}", file=sys.stderr, flush=True)
            failed = True
        report.write(results, asked.files)
    return not failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measures Carillon beside its peers.")
    parser.add_argument("names", nargs="+", choices=[ALL, COMMITS, *MEASUREMENTS], metavar="NAME", help=_NAMES)
    parser.add_argument("--quick", action="store_true", help="rough figures, all of them in some eight minutes")
    parser.add_argument("--rounds", type=int, help="how often each contestant has its turn")
    parser.add_argument("--seconds", type=float, help="how long a turn takes")
    parser.add_argument("--threads", type=_numbers, metavar="N,...", help="threads of a worker process in `drain`")
    parser.add_argument("--against", metavar="REF", help="measure beside this commit, without peers")
    parser.add_argument("--peers", action="store_true", help="measure the peers, too, even with --against")
    parser.add_argument("--out", type=Path, help="write the figures to this file, as JSON")
    parser.add_argument("--svg", type=Path, help="draw them into this file")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file, as Markdown")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _options(given: argparse.Namespace) -> Options:
    usual = _QUICK if given.quick else Options()
    return Options(
        quick=given.quick,
        rounds=given.rounds or usual.rounds,
        seconds=given.seconds or usual.seconds,
        pilot_seconds=usual.pilot_seconds,
        threads=given.threads or usual.threads,
        against=given.against,
        with_peers=given.against is None or given.peers,
    )


@contextmanager
def _session(options: Options) -> Iterator[Session]:
    with running("bench") as (folder, servers):
        checkouts = [checkout.ours()]
        if options.against is not None:
            checkouts.append(checkout.of_commit(options.against, folder))
        yield Session(options, servers, folder, tuple(checkouts))
