"""The tables of a soak, and what is not flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.soak.watching import END, MIDDLE, START, Lateness, Sample, mean

_MAX_MEGABYTES, _MAX_SHARE = 4.0, 0.04
_MAX_HANDLES = 8
_SERVERS = frozenset({"postgresql", "rabbitmq"})  # they hold what is stored: shown, not judged


def table(samples: Mapping[str, Sequence[Sample]], connections: Mapping[str, Sequence[int]]) -> Iterator[str]:
    """Yields the lines of what each process held in the first tenth, the sixth and the last."""
    yield f"{'':14}  {'memory (PSS), MB':^32}  {'file handles':^22}  {'threads':^14}"
    of_memory, of_files = f"{'start':>7} {'middle':>8} {'end':>7} {'most':>7}", f"{'start':>7} {'end':>6} {'most':>7}"
    yield f"{'':14}  {of_memory}  {of_files}  {'start':>6} {'end':>7}"
    for name, some in samples.items():
        start, middle, end = (mean(some, *stretch) for stretch in (START, MIDDLE, END))
        if start and middle and end:
            memory = f"{start.megabytes:7.1f} {middle.megabytes:8.1f} {end.megabytes:7.1f} {_most_megabytes(some):7.1f}"
            files = f"{start.files:7} {end.files:6} {max(one.files for one in some):7}"
            yield f"{name:14}  {memory}  {files}  {start.threads:6} {end.threads:7}"
    for kind, counts in connections.items():
        yield f"connections of {kind}: {counts[0]} at first, {counts[-1]} at last, {max(counts)} at most"


def growing(samples: Mapping[str, Sequence[Sample]]) -> list[str]:
    """Returns, in words, which of our processes held more at the end than after half of the time."""
    return [words for name, some in samples.items() if name not in _SERVERS for words in _growth(name, some)]


def lateness_line(overall: Lateness, minutes: Sequence[Lateness]) -> str:
    """Returns how late runs began, over all and in the worst minute."""
    worst = max((one.p99 for one in minutes), default=overall.p99)
    return (
        f"lateness of {overall.runs:,} runs: {overall.p50:.1f} ms (p50), {overall.p99:.1f} ms (p99), "
        f"{overall.longest:.0f} ms at most; p99 of the worst minute {worst:.1f} ms"
    )


def _growth(name: str, some: Sequence[Sample]) -> Iterator[str]:
    middle, end = mean(some, *MIDDLE), mean(some, *END)
    if middle is None or end is None:
        yield f"{name}: there are no samples"
        return
    if end.megabytes - middle.megabytes > max(_MAX_MEGABYTES, _MAX_SHARE * middle.megabytes):
        yield f"{name} grows: {middle.megabytes:.1f} MB after half of the time, {end.megabytes:.1f} MB at the end"
    for what, before, after in (
        ("file handles", middle.files, end.files),
        ("threads", middle.threads, end.threads),
    ):
        if after - before > _MAX_HANDLES:
            yield f"{name} grows: {before} {what} after half of the time, {after} at the end"


def _most_megabytes(some: Sequence[Sample]) -> float:
    return max(one.megabytes for one in some)
