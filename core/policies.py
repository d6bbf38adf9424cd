"""Policies of a job: which late occurrences still run, and what happens when two overlap."""

from __future__ import annotations

from enum import StrEnum


class CatchUp(StrEnum):
    """Which occurrences that were planned too late still run: the newest, none, or all."""

    LATEST = "latest"
    SKIP = "skip"
    ALL = "all"


class Overlap(StrEnum):
    """What happens to an occurrence that becomes due while a run of the job is not over.

    It is skipped; it runs at the same time; it waits, unless another waits already; or the other run is cancelled,
    and it starts when that has ended.
    """

    SKIP = "skip"
    ALLOW = "allow"
    QUEUE_ONE = "queue_one"
    CANCEL_PREVIOUS = "cancel_previous"


CATCH_UP_WINDOW_SECONDS = 86_400.0


class Admission(StrEnum):
    """The decision about an occurrence that has become due."""

    START = "start"
    SKIP = "skip"
    WAIT = "wait"
    REPLACE = "replace"


def admit(overlap: Overlap, *, going: bool, one_waits: bool) -> Admission:
    """Decide about an occurrence: `going` if a run of the job is not over, `one_waits` if one waits for its turn."""
    if not going or overlap is Overlap.ALLOW:
        return Admission.START
    match overlap:
        case Overlap.QUEUE_ONE if not one_waits:
            return Admission.WAIT
        case Overlap.CANCEL_PREVIOUS:
            return Admission.REPLACE
        case _:
            return Admission.SKIP


def is_spent(runs_started: int, max_runs: int | None) -> bool:
    """Whether a schedule has used up its `max_runs`."""
    return max_runs is not None and runs_started >= max_runs
