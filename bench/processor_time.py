"""Processor time and memory of process trees, from Linux's /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from processes import programs

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_FIRST_OF_TIMES, _LAST_OF_TIMES = 11, 15  # utime, stime, cutime, cstime: counted after the program's name


def of_trees(pids: Iterable[int]) -> float:
    """Returns the processor seconds of these processes and all their descendants, ended ones included."""
    return sum(_of_process(pid) for root in pids for pid in [root, *programs.descendants(root)])


def memory_of_trees(pids: Iterable[int]) -> tuple[float, float]:
    """Returns the megabytes of these trees: PSS, which divides shared pages among them, and RSS, which does not."""
    shares = [_memory_of(pid) for root in pids for pid in [root, *programs.descendants(root)]]
    return sum(pss for pss, _ in shares), sum(rss for _, rss in shares)


def parse_stat(text: str) -> float:
    """Returns the processor seconds in a line of /proc/PID/stat, those of ended children included."""
    fields = text.rpartition(")")[2].split()
    return sum(map(int, fields[_FIRST_OF_TIMES:_LAST_OF_TIMES])) / TICKS_A_SECOND


def parse_rollup(text: str) -> tuple[float, float]:
    """Returns PSS and RSS in megabytes from /proc/PID/smaps_rollup."""
    kilobytes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in text.splitlines()[1:])
    }
    return kilobytes["Pss"] / 1024, kilobytes["Rss"] / 1024


def _of_process(pid: int) -> float:
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return 0.0  # it has ended, and its parent counts it


def _memory_of(pid: int) -> tuple[float, float]:
    try:
        return parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0.0, 0.0
