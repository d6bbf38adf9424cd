"""How many threads runs need now and in the coming minutes, decided by the busiest of these minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.figures import whole_minute
from core.policies import Overlap

_MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Work:
    """A run that needs a thread: its job and queue, when it is due, and for how long it will keep the thread.

    Or so many such runs.
    """

    job_id: UUID
    queue: str
    overlap: Overlap
    due_at: datetime
    seconds: float
    runs: int = 1


def by_queue(work: Iterable[Work], start: datetime, end: datetime) -> dict[str, float]:
    """Returns the threads that each queue needs in its busiest minute from `start` to before `end`.

    A minute needs the seconds of work that fall into it, by 60: a run that takes longer goes on in the next minutes.
    What is due already counts from the beginning of the present minute. A job whose runs do not overlap needs one
    thread at most.
    """
    base = whole_minute(start)
    until = (end - base).total_seconds()
    of_jobs: dict[tuple[str, UUID, int], float] = {}
    overlapping: set[UUID] = set()
    for one in work:
        if one.overlap is Overlap.ALLOW:
            overlapping.add(one.job_id)
        begin = (one.due_at - base).total_seconds() if one.due_at > start else 0.0
        for minute, seconds in _parts(begin, one.seconds, until):
            key = (one.queue, one.job_id, minute)
            of_jobs[key] = of_jobs.get(key, 0.0) + seconds * one.runs
    minutes: dict[str, dict[int, float]] = {}
    for (queue, job_id, minute), seconds in of_jobs.items():
        of_queue = minutes.setdefault(queue, {})
        needed = seconds if job_id in overlapping else min(seconds, _MINUTE_SECONDS)
        of_queue[minute] = of_queue.get(minute, 0.0) + needed
    return {queue: max(of_queue.values()) / _MINUTE_SECONDS for queue, of_queue in minutes.items()}


def within(needed: Mapping[str, float], most: int | None) -> dict[str, float]:
    """Returns the threads that each queue needs if all together can use so many at most: each in proportion."""
    total = sum(needed.values())
    if most is None or total <= most:
        return dict(needed)
    return {queue: threads * most / total for queue, threads in needed.items()}


def _parts(begin: float, seconds: float, until: float) -> Iterator[tuple[int, float]]:
    """Yield the minutes in which work falls that begins at a second, and how many of its seconds fall in each."""
    end = min(begin + seconds, until)
    while begin < end:
        minute = int(begin // _MINUTE_SECONDS)
        after = min(end, (minute + 1) * _MINUTE_SECONDS)
        yield minute, after - begin
        begin = after
