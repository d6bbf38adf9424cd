"""Process many items, so that one bad item, or one whose job is locked, does not stop the others."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable, LockTimeout, Unavailable

Item = TypeVar("Item")
_MOST_TIME_OUTS = 40
"""After so many, of about 50 ms each, nothing is halved any more: the lock may not be that of a single item."""
_MOST_LOOKS = 10
log = structlog.get_logger()


@dataclass(frozen=True)
class Pass(Generic[Item]):
    """How many items were processed, and by job those that were passed over since others have locked their job."""

    count: int
    passed_over: Mapping[UUID, Sequence[Item]] = field(default_factory=dict)


class Work(Protocol[Item]):
    """Processes items in one transaction, which waits at most briefly for any lock."""

    def __call__(self, items: Sequence[Item], *, waits_for_locks: bool) -> Pass[Item]:
        """Process items; unless it `waits_for_locks`, pass over those whose jobs others have locked."""
        ...


def free_first(work: Work[Item], items: Sequence[Item]) -> Pass[Item]:
    """Carry out `work` on the items whose jobs nobody has locked; then wait briefly for one of the other jobs.

    So no item waits for the job of another, and a job that is seldom free has its place in the line for its lock.
    Returns what is still passed over: it must be tried again later.
    """
    done = work(items, waits_for_locks=False)
    if not done.passed_over:
        return done
    job_id = random.choice(list(done.passed_over))  # noqa: S311  no secret
    try:
        count = done.count + work(done.passed_over[job_id], waits_for_locks=True).count
    except LockTimeout:
        return done
    return Pass(count, {other: left for other, left in done.passed_over.items() if other != job_id})


def in_parts(work: Callable[[Sequence[Item]], int], items: Sequence[Item]) -> int:
    """Carry out `work` on all items at once; if that fails, on each half of them. Returns the sum of its answers.

    So one bad item does not stop the others, nor do some for which locks are not free in time; each is logged. Raises
    `Unavailable` where a server is away, and `LockTimeout` where locks, of the whole table maybe, stop all parts.
    """
    return _Halving(work).carry_out(items)


class _Halving(Generic[Item]):
    """Carries out work in smaller and smaller parts, and remembers what came of the parts before."""

    def __init__(self, work: Callable[[Sequence[Item]], int]) -> None:
        self._work = work
        self._is_any_done = False
        self._time_outs = 0
        self._not_halved: LockTimeout | None = None

    def carry_out(self, items: Sequence[Item]) -> int:
        """Carry out the work on all items. Raises `LockTimeout` if it gave up before any part was done."""
        count = self._part(items)
        if self._not_halved is not None and not self._is_any_done:
            raise self._not_halved
        return count

    def _part(self, items: Sequence[Item]) -> int:
        try:
            count = self._work(items)
        except LockTimeout as error:
            if not self._may_halve(items, error):
                return 0
        except Unavailable:
            raise
        except Exception:
            if len(items) == 1:
                log.exception("bad_item", item=str(items[0]))
                return 0
        else:
            self._is_any_done = True
            return count
        half = len(items) // 2
        return self._part(items[:half]) + self._part(items[half:])

    def _may_halve(self, items: Sequence[Item], error: LockTimeout) -> bool:
        """Whether halves of these items are to be tried, for which a lock was not free in time; else it is logged."""
        self._time_outs += 1
        if len(items) == 1:
            log.warning("item_locked", item=str(items[0]), error=str(error))
            return False
        if self._time_outs >= _MOST_TIME_OUTS:
            log.warning("items_locked", count=len(items), error=str(error))
            self._not_halved = error
            return False
        return True


def free_in_parts(work: Work[Item], items: Sequence[Item], *, alone: Work[Item] | None = None) -> Pass[Item]:
    """Carry out `work` as `free_first` does, and in parts as `in_parts` does; `alone`, if given, on a single item."""
    passed_over: dict[UUID, list[Item]] = defaultdict(list)

    def some(part: Sequence[Item]) -> int:
        done = free_first(alone if alone is not None and len(part) == 1 else work, part)
        for job_id, left in done.passed_over.items():
            passed_over[job_id] += left
        return done.count

    return Pass(in_parts(some, items), passed_over)


def look_past_locked(
    look: Callable[[Collection[UUID]], Sequence[Item]], work: Callable[[Sequence[Item]], Pass[Item]], batch: int
) -> int:
    """Carry out `work` on what `look` finds, a batch; if that is full, and jobs were passed over, look without these.

    So a job that others have locked keeps out no other, however many items it has. Looks a bounded number of times.
    Returns how many items were processed.
    """
    count = 0
    passed_over: set[UUID] = set()
    for _ in range(_MOST_LOOKS):
        found = look(passed_over)
        done = work(found) if found else Pass(0)
        count += done.count
        passed_over |= done.passed_over.keys()
        if len(found) < batch or not done.passed_over:
            break
    return count


def one_by_one(work: Callable[[Item], int], items: Sequence[Item]) -> int:
    """Carry out `work` on one item after the other. Returns the sum of its answers.

    One bad item does not stop the others; it is logged. Nor does one for which the database is too slow: that error is
    raised once all others are done. Raises `Unavailable` at once where a server is away.
    """
    count = 0
    too_slow: DatabaseUnavailable | None = None
    for item in items:
        try:
            count += work(item)
        except DatabaseUnavailable as error:
            if error.fault is not DatabaseFault.TOO_SLOW:
                raise
            too_slow = error
        except Unavailable:
            raise
        except Exception:
            log.exception("bad_item", item=str(item))
    if too_slow is not None:
        raise too_slow
    return count
