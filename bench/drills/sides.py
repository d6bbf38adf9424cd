"""Who carries out what while processes of two commits are side by side: both are to meet each kind of job."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bench.drills.load import Created
from bench.drills.verdict import Verdict
from bench.servers import Place

_ATTEMPTS = """
    SELECT r.job_id::TEXT, w.pid FROM attempts a JOIN runs r ON r.id = a.run_id JOIN workers w ON w.id = a.worker_id
    WHERE EXTRACT(EPOCH FROM a.started_at) BETWEEN %s AND %s
"""
_HOLDS = "SELECT COUNT(*) FROM run_holds WHERE key = %s AND EXTRACT(EPOCH FROM since) BETWEEN %s AND %s"

_Counts = Counter[tuple[str, bool]]  # by the name of the kind, and whether by an earlier worker


@dataclass
class SideBySide:
    """From when to when workers of both commits are at work, and the processes of the earlier one's."""

    since: float
    earlier: list[int]
    until: float | None = None

    def attempts(self, place: Place, created: Sequence[Created]) -> _Counts:
        """Returns how many attempts each side has made so far at jobs of each kind."""
        return counted(place.query(_ATTEMPTS, (self.since, self._end())), created, self.earlier)

    def holds(self, place: Place, key: str) -> int:
        """Returns how many runs were held so far for a limit."""
        [(count,)] = place.query(_HOLDS, (key, self.since, self._end()))
        return int(count)

    def _end(self) -> float:
        return time.time() if self.until is None else self.until


def counted(attempts: Iterable[tuple[str, int]], created: Iterable[Created], earlier: Collection[int]) -> _Counts:
    """Returns of which kind attempts were, each given by its job and its process, and by which side."""
    kinds = {one.id: one.kind.name for one in created}
    return Counter((kinds[job_id], pid in earlier) for job_id, pid in attempts if job_id in kinds)


def has_both(counts: _Counts, names: Iterable[str]) -> bool:
    """Whether each side has met each of these kinds."""
    return all(counts[name, is_earlier] for name in names for is_earlier in (True, False))


def judge_sides(verdict: Verdict, place: Place, span: SideBySide, created: Sequence[Created], key: str) -> None:
    """Tell what both sides did, and judge whether each met each kind, and whether runs were held for the limit."""
    names = list(dict.fromkeys(one.kind.name for one in created))
    counts = span.attempts(place, created)
    told = ", ".join(f"{name} {counts[name, True]} and {counts[name, False]}" for name in names)
    verdict.expect(holds=has_both(counts, names), found=f"side by side, attempts by earlier and newer workers: {told}")
    held = span.holds(place, key)
    verdict.expect(holds=held > 0, found=f"side by side, {held} runs were held by the limit")
