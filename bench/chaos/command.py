"""The command line: `python -m bench chaos [--minutes 10] [--seed N] [--mutation NAME] [--pgbouncer]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.chaos import invariants, mutations, report, running
from bench.chaos.scenario import Scenario
from local.foreground import exit_on_signals
from processes.programs import ProgramError

_FAULTS = (ProgramError, TimeoutError)


def main(arguments: Sequence[str]) -> int:
    """Run one scenario and report. Returns 0 if all holds, or, with a mutation, if what it breaks was found."""
    given = _parser().parse_args(arguments)
    scenario = Scenario(given.seed, given.minutes * 60, given.pgbouncer)
    with exit_on_signals():
        try:
            evidence = running.run(scenario, given.mutation, given.log)
        except _FAULTS as error:
            print(f"chaos failed: {error}", file=sys.stderr)
            return 2
    breached = invariants.check(evidence)
    print("\n".join(report.lines(scenario, evidence, breached)), flush=True)
    if given.mutation is None:
        return 1 if breached else 0
    return _judge(given.mutation, set(breached))


def _judge(mutation: str, breached: set[int]) -> int:
    expected = mutations.CAUGHT_BY[mutation]
    caught = bool(expected & breached) if expected else not breached
    what = f"broke {sorted(breached)}" if breached else "broke nothing"
    print(f"The mutation {mutation} {what}: {'as it must' if caught else 'it was not caught'}.", flush=True)
    return 0 if caught else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench chaos", description="Breaks everything under load, and checks.")
    parser.add_argument("--minutes", type=float, default=10, help="how long load and faults last")
    parser.add_argument("--seed", type=int, default=1, help="what everything is drawn from; even: with limits")
    parser.add_argument("--mutation", choices=list(mutations.PATCHES), help="build this fault in, which must be found")
    parser.add_argument("--pgbouncer", action="store_true", help="reach PostgreSQL through PgBouncer")
    parser.add_argument("--log", type=Path, help="keep the log of the processes in this file")
    return parser
