"""The parts of calls that do not depend on the receiver: the mark of a test, the trace, the kind of connection."""

from __future__ import annotations

from collections.abc import Collection

from core import trace_context
from services.execution.work import Work


def test_header(work: Work) -> dict[str, str]:
    """Returns the header by which a receiver recognises a test call."""
    return {"X-Carillon-Test": "true"} if work.is_test else {}


def over_new_connection(work: Work) -> bool:
    """Whether a call takes no kept connection, so that a closed connection costs a run at most one attempt."""
    return work.attempt > 1 or work.is_test


def trace_headers(work: Work, given: Collection[str] = ()) -> dict[str, str]:
    """Returns the headers with the trace context of a call, unless `given`, the job's own headers, name one of them.

    Both or neither: the state that belongs to one position in a trace is meaningless for another.
    """
    if work.carried is None or trace_context.is_named(given):
        return {}
    return work.carried.headers
