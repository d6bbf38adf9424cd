"""What stands in place of the request of an attempt where none is shown: that it is not kept, and why."""

from __future__ import annotations

from collections.abc import Sequence

from core.calls import CallsKept
from core.states import Outcome
from services.messaging import broker as brokers
from services.reading.records import FEW_ATTEMPTS
from services.reading.views import AttemptView, RunView
from services.task_types import registry

_OTHERWISE = "CALLS_KEPT was different when the attempt ended"


def reasons(run: RunView, attempts: Sequence[AttemptView], kept: CallsKept) -> dict[int, str]:
    """Returns why no request is shown, by the number of the attempt; none for tasks that make no HTTP call."""
    if registry.queue_of(run.task_type) != brokers.RUNS_HTTP:
        return {}
    ended = [one for one in attempts if one.call is None and one.outcome is not None]
    return {one.number: f"Its request is not kept: {_why(run, one, kept)}." for one in ended}


def _why(run: RunView, one: AttemptView, kept: CallsKept) -> str:
    if one.outcome == Outcome.LOST:
        return "its worker was lost before it could record it"
    if kept is CallsKept.NONE:
        return "CALLS_KEPT is none"
    if kept is CallsKept.FAILED and one.outcome != Outcome.FAILED:
        return "CALLS_KEPT is failed, and this attempt did not fail"
    if one.status_code is None:
        return f"the attempt ended before one was sent, or {_OTHERWISE}"
    if run.attempt_count > FEW_ATTEMPTS:
        return f"with those of newer attempts it would be too long for a page, or {_OTHERWISE}"
    return _OTHERWISE
