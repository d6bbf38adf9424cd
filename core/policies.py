"""Policies of a job: what becomes of occurrences that were missed, and of one due while another is going."""

from __future__ import annotations

from enum import StrEnum


class CatchUp(StrEnum):
    """Which of the occurrences planned too late still run: the newest, none, or all."""

    LATEST = "latest"
    SKIP = "skip"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of an occurrence that is due while a run of the job is still going.

    It is skipped; it runs beside; it waits, unless another waits already; or it takes the place of the one going,
    which is cancelled, and starts when that has ended.
    """

    SKIP = "skip"
    ALLOW = "allow"
    QUEUE_ONE = "queue_one"
    CANCEL_PREVIOUS = "cancel_previous"


CATCH_UP_WINDOW_SECONDS = 86_400.0


class Admission(StrEnum):
    """What becomes of an occurrence whose instant has come."""

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
