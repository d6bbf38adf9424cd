"""The command line: `python -m bench drill restore`, and the like."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.drills import cluster, limits, restore, standby, upgrade
from bench.servers import temporary_folder
from local.foreground import exit_on_signals
from processes.programs import ProgramError

_FAULTS = (ProgramError, TimeoutError)


def main(arguments: Sequence[str]) -> int:
    """Run one drill. Returns 0 if all that was promised holds, 1 if not, 2 if the drill itself failed."""
    given = _parser().parse_args(arguments)
    with exit_on_signals(), temporary_folder("drill") as folder:
        try:
            return _drill(given)(folder)
        except _FAULTS as error:
            print(f"the drill failed: {error}", file=sys.stderr)
            return 2


def _drill(given: argparse.Namespace) -> Callable[[Path], int]:
    if given.drill == "upgrade":
        return partial(upgrade.run, since=given.since)
    if given.drill == "standby":
        return partial(standby.run, behind_seconds=given.asynchronous)
    if given.drill == "limits":
        return partial(limits.run, seconds=given.seconds, seed=given.seed)
    return cluster.run if given.drill == "cluster" else restore.run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench drill", description="Does under load what is done at night.")
    drills = parser.add_subparsers(dest="drill", required=True)
    drills.add_parser("restore", help="a dump under load, restored elsewhere; held, and released in slices")
    one = drills.add_parser("upgrade", help="an earlier commit and this tree side by side, migrated in between")
    one.add_argument("--from", dest="since", required=True, metavar="COMMIT", help="the earlier commit")
    one = drills.add_parser("standby", help="the primary of PostgreSQL is killed, its standby promoted")
    one.add_argument(
        "--asynchronous",
        type=float,
        nargs="?",
        const=standby.BEHIND_SECONDS,
        metavar="SECONDS",
        help=f"the standby is so far behind ({standby.BEHIND_SECONDS:g} s); tells what was lost",
    )
    one = drills.add_parser(
        "limits", help="limits changed and processes killed under load; what receivers saw is exact"
    )
    one.add_argument("--seconds", type=float, default=limits.SECONDS, help="how long the load lasts")
    one.add_argument("--seed", type=int, default=1, help="what everything is drawn from")
    drills.add_parser("cluster", help="three nodes of RabbitMQ, of which one is killed, then another")
    return parser
