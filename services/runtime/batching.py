"""Process many items, so that one bad item, or one whose job is locked, does not stop the others."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable, LockTimeout, Unavailable

Item = TypeVar("Item")
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

    So one bad item does not stop the others, nor one for which a lock is not free in time; either is logged. Raises
    `Unavailable` where a server is away.
    """
    try:
        return work(items)
    except LockTimeout as error:
        if len(items) == 1:
            log.warning("item_locked", item=str(items[0]), error=str(error))
            return 0
    except Unavailable:
        raise
    except Exception:
        if len(items) == 1:
            log.exception("bad_item", item=str(items[0]))
            return 0
    half = len(items) // 2
    return in_parts(work, items[:half]) + in_parts(work, items[half:])


def free_in_parts(work: Work[Item], items: Sequence[Item]) -> int:
    """Carry out `work` as `free_first` does, and in parts as `in_parts` does. Returns how many items were processed."""
    return in_parts(lambda part: free_first(work, part).count, items)


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
