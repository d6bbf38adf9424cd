"""The command line: `python -m bench retention [--ended N] [--rounds N] [--archive]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.drills.verdict import Verdict, say
from bench.figures import distribution
from bench.growth import filling, retention
from bench.growth.filling import Amounts
from bench.growth.retention import MAX_STALL_MS, Pruner, Taken
from bench.growth.system import connected
from bench.servers import Place, running
from bench.table import number
from local.foreground import exit_on_signals
from models import database

_ALL_IS_OLD_DAYS = 0.01


def main(arguments: Sequence[str]) -> int:
    """Claim and record in turns with and without pruning beside it.

    Returns 0 if no claim was stalled, 1 if one was, and 2 if claims were stalled without pruning, too.
    """
    given = _parser().parse_args(arguments)
    with exit_on_signals(), running("prune") as (folder, servers), servers.place() as place:
        return _measure(place, folder, given)


def _measure(place: Place, folder: Path, given: argparse.Namespace) -> int:
    system = connected(place.database_url)
    say(f"fills {given.ended:,} ended runs, {given.queued:,} queued")
    filling.fill(place, system, Amounts(given.ended, given.queued, 0))
    settings = {"keep_history_days": _ALL_IS_OLD_DAYS, "archive_history": given.archive, "data_dir": folder / "data"}
    alone, beside = Taken(), Taken()
    with Pruner(place, **settings) as pruner:
        for turn in range(given.rounds):
            say(f"round {turn + 1} of {given.rounds}")
            retention.work(system, alone, given.seconds)
            with pruner.pruning():
                retention.work(system, beside, given.seconds)
    left = place.count("SELECT count(*) FROM runs WHERE finished_at < now() - INTERVAL '1 day'")
    database.disconnect()
    _print(alone, beside)
    print(f"pruned {number(pruner.pruned / beside.seconds)} runs a second", flush=True)
    if max(alone.claims) >= MAX_STALL_MS:
        print(f"not judged: without pruning, too, claims took {MAX_STALL_MS:g} ms or longer; leave the machine alone")
        return 2
    return _verdict(beside, pruner.pruned, left)


def _print(alone: Taken, beside: Taken) -> None:
    for name, taken in (("alone", alone), ("while pruning", beside)):
        for what, values in (("claim", taken.claims), ("record", taken.records)):
            shown = ", ".join(f"{figure} {number(value)}" for figure, value in distribution(values).items())
            print(f"{what:6} {name:13}  ms: {shown}  ({len(values):,} of them)", flush=True)


def _verdict(beside: Taken, pruned: int, left: int) -> int:
    verdict = Verdict("retention")
    longest = max(beside.claims)
    found = f"the longest claim while pruning took {number(longest)} ms; {MAX_STALL_MS:g} are allowed"
    verdict.expect(holds=longest < MAX_STALL_MS, found=found)
    found = f"{pruned:,} runs were pruned meanwhile; {left:,} more were old enough"
    verdict.expect(holds=pruned > 0 and left > 0, found=found)
    return verdict.told()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench retention", description="Measures what pruning costs workers.")
    parser.add_argument("--ended", type=int, default=1_000_000, metavar="N", help="how many runs have ended")
    parser.add_argument("--queued", type=int, default=20_000, metavar="N", help="how many wait for workers")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how many rounds, alone and while pruning")
    parser.add_argument("--seconds", type=float, default=retention.SECONDS, help="of each half of a round")
    parser.add_argument("--archive", action="store_true", help="archive each run into a folder before it goes")
    return parser
