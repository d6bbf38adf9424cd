"""When something was broken, and what that left was not yet worked off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.chaos.evidence import Evidence
from bench.chaos.journal import Fault
from bench.chaos.scenario import CALL_LIMIT_SECONDS

Span = tuple[float, float]


def outages(evidence: Evidence, counts: Callable[[Fault], bool]) -> list[Span]:
    """Returns the spans of these faults.

    An outage is over once what it left is worked off: a lease and a moment later, and again as long as it lasted.
    """
    return [
        (fault.began - CALL_LIMIT_SECONDS, 2 * fault.ended - fault.began + evidence.lease_seconds + 2)
        for fault in evidence.journal.faults
        if counts(fault)
    ]


def is_within(spans: Sequence[Span], began: float, ended: float) -> bool:
    """Whether something that lasted from one instant to another has met any of these spans."""
    return any(first <= ended and began <= last for first, last in spans)
