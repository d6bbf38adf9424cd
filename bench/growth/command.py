"""The command line: `python -m bench growth [--ended N,...] [--queued N,...] [--future N,...] [--plans FILE]`.

Without `--queued` and `--future` there are as many as ended runs, up to 100,000.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.growth import filling, plans, retention
from bench.growth.filling import Amounts
from bench.growth.operations import Operation, operations
from bench.growth.system import connected
from bench.servers import Servers, running
from bench.table import number
from local.foreground import exit_on_signals
from models import database

_REPEATS = 9
_MAX_GROWTH = 1.3
_MAY_GROW = frozenset(
    {
        "list of jobs, a page",
        "list of runs, a page",
        "statistics of jobs",
        "count of the backlog",
        "figures of an hour",
        "failures of a day",
    }
)
"""These count jobs, queued runs or failures, of which there are more (docs/benchmarks.md, "Growth")."""

_LONGEST_CLAIM = "longest claim while pruning"
_MAX_USUAL = 100_000
Costs = dict[str, float]


def main(arguments: Sequence[str]) -> int:
    """Measure on each amount of rows, and print what grows. Returns 1 if something does that must not, else 0."""
    given, sizes = parse(arguments)
    with exit_on_signals(), running("growth") as (_, servers):
        measured = [_measure(servers, amounts, given.plans) for amounts in sizes]
    print("\n".join(table(sizes, measured)), flush=True)
    return 1 if faults(measured) else 0


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[Amounts]]:
    """Read the command line. Returns it, and the amounts of each size. Raises `SystemExit` if it is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    usual = tuple(min(ended, _MAX_USUAL) for ended in given.ended)
    columns = (given.ended, given.queued or usual, given.future or usual)
    if len({len(column) for column in columns}) > 1:
        parser.error("--ended, --queued and --future must name as many sizes each")
    return given, [Amounts(*one) for one in zip(*columns, strict=True)]


def _measure(servers: Servers, amounts: Amounts, file: Path | None) -> Costs:
    """Returns the milliseconds of each operation."""
    print(f"{amounts.name} ...", file=sys.stderr, flush=True)
    with servers.place() as place:
        system = connected(place.database_url)
        job_id = filling.fill(place, system, amounts)
        costs: Costs = {}
        for operation in operations(place, system, job_id):
            costs[operation.name] = _least_ms(operation)
            if file is not None:
                _write_plans(file, amounts, operation)
        stalls = retention.measure(place, system, amounts.ended // 2)
        for when, figures in stalls.items():
            shown = ", ".join(f"{figure} {number(value)}" for figure, value in figures.items())
            print(f"  a claim of 1 {when}, in ms: {shown}", flush=True)
        costs[_LONGEST_CLAIM] = stalls["while pruning"]["max"]
        database.disconnect()
    return costs


def _least_ms(operation: Operation) -> float:
    """Returns how long the fastest of a few calls took: what else the machine does makes the others longer."""
    taken = []
    for _ in range(_REPEATS):
        operation.prepare()
        began = time.perf_counter()
        operation.call()
        taken.append(1000 * (time.perf_counter() - began))
    return min(taken)


def _write_plans(file: Path, amounts: Amounts, operation: Operation) -> None:
    operation.prepare()
    told = plans.of(operation.call)
    with file.open("a") as out:
        out.write(f"## {operation.name}: {amounts.name}\n\n" + "\n\n".join(told) + "\n\n")


def table(sizes: Sequence[Amounts], measured: Sequence[Costs]) -> list[str]:
    """Returns the lines of the table: each operation's milliseconds for each size, and by how much it grows."""
    width = max(map(len, measured[0]))
    head = [f"{'ms':{width}}", *(f"{one.ended:>12,}" for one in sizes), "growth"]
    lines = ["  ".join(head)]
    for name in measured[0]:
        costs = [one[name] for one in measured]
        growth = costs[-1] / costs[0]
        mark = " <" if _grows(costs[0], costs[-1]) else ""
        lines.append("  ".join([f"{name:{width}}", *(f"{number(cost):>12}" for cost in costs), f"{growth:.2f}{mark}"]))
    longest = f"a claim may wait {retention.MAX_STALL_MS:g} ms for what prunes"
    return [*lines, f"< grows by more than {_MAX_GROWTH}; {longest}"]


def faults(measured: Sequence[Costs]) -> list[str]:
    """Returns the operations that grow though they must not, and the claim if it had to wait too long for pruning."""
    first, last = measured[0], measured[-1]
    growing = [name for name in first if name not in _MAY_GROW | {_LONGEST_CLAIM} and _grows(first[name], last[name])]
    stalled = [_LONGEST_CLAIM] if last[_LONGEST_CLAIM] >= retention.MAX_STALL_MS else []
    return growing + stalled


def _grows(first: float, last: float) -> bool:
    return last / first > _MAX_GROWTH


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench growth", description="Measures what grows with the stored rows.")
    amounts = "how many, for each size"
    parser.add_argument("--ended", type=_numbers, default=(10_000, 100_000, 1_000_000), metavar="N,...", help=amounts)
    parser.add_argument("--queued", type=_numbers, metavar="N,...", help=amounts)
    parser.add_argument("--future", type=_numbers, metavar="N,...", help=amounts)
    parser.add_argument("--plans", type=Path, help="append the plans of all statements to this file")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part.replace("_", "")) for part in text.split(","))
