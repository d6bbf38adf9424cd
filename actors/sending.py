"""The headers of calls that do not depend on what is called: the mark of a test, and the trace."""

from __future__ import annotations

from collections.abc import Collection

from core import trace_context
from services.execution.work import Work


def test_header(work: Work) -> dict[str, str]:
    """Returns the header by which a receiver knows a call that is made to look at it."""
    return {"X-Carillon-Test": "true"} if work.is_test else {}


def trace_headers(work: Work, given: Collection[str] = ()) -> dict[str, str]:
    """Returns the headers by which a call carries its trace on, unless `given`, the job's own headers, name one.

    Both or neither: the state of one place in a trace says nothing of another.
    """
    if work.carried is None or trace_context.is_named(given):
        return {}
    return work.carried.headers
