"""Processor time per run, early and late, beside a fixed piece of work that shows how fast the machine is meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.soak.watching import END, MIDDLE, START, Sample, stretch

_STRETCHES = (START, MIDDLE, END)


def table(samples: Mapping[str, Sequence[Sample]], runs_between: Callable[[float, float], int]) -> Iterator[str]:
    """Yields the lines of what a run costs each process in the first tenth, the sixth and the last.

    `runs_between` tells how many runs ended between two instants, in seconds from the beginning. If all costs and the
    fixed work grow by the same factor, the machine has become slower; if the costs alone grow, runs have become dearer.
    """
    yield f"{'processor, ms per run':24} {'start':>7} {'middle':>8} {'end':>7}"
    for name, some in samples.items():
        yield _line(name, [_cost(stretch(some, *part), runs_between) for part in _STRETCHES])
    every = next(iter(samples.values()), [])
    yield _line("fixed work, ms", [_fastest(stretch(every, *part)) for part in _STRETCHES])


def _cost(some: Sequence[Sample], runs_between: Callable[[float, float], int]) -> float | None:
    if not some or not (count := runs_between(some[0].at, some[-1].at)):
        return None
    return 1000 * (some[-1].processor_seconds - some[0].processor_seconds) / count


def _fastest(some: Sequence[Sample]) -> float | None:
    return min((one.fixed_work for one in some), default=None)


def _line(name: str, found: Sequence[float | None]) -> str:
    start, middle, end = ("-" if one is None else f"{one:.2f}" for one in found)
    return f"{name:24} {start:>7} {middle:>8} {end:>7}"
