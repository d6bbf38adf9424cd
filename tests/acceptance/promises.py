"""What must hold after any failure, checked against the journal and the API."""

from __future__ import annotations

from tests.acceptance.installation import Installation, until
from tests.acceptance.journal import Call, Journal


def all_complete(carillon: Installation, job_ids: list[str], timeout: float) -> None:
    """Every job completes, within the time given; each had at least one call."""
    until(lambda: carillon.count("completed") >= len(job_ids), f"{len(job_ids)} jobs to complete", timeout)
    for status in ("failed", "cancelled", "running", "queued", "pending"):
        assert carillon.count(status) == 0, status


def one_key_a_run(journal: Journal) -> None:
    """All calls for a run carry one key, which no other run carries; the body's key is the header's."""
    keys = {run_id: {call.key for call in calls} for run_id, calls in journal.by_run().items()}
    assert all(len(of_run) == 1 for of_run in keys.values())
    assert len(set.union(*keys.values())) == len(keys)
    assert all(call.body["idempotency_key"] == call.key for call in journal.calls)


def no_overlap(journal: Journal, *, killed_at: tuple[float, ...] = ()) -> None:
    """No two calls for one run at once, but where a worker was killed: its call is over when the worker is."""
    for calls in journal.by_run().values():
        ordered = sorted(calls, key=lambda call: call.attempt)
        for former, latter in zip(ordered, ordered[1:], strict=False):
            assert former.attempt < latter.attempt, "an attempt's number came twice"
            over = _over(former, killed_at)
            assert over is not None, f"attempt {latter.attempt} began while {former.attempt} went on"
            assert over <= latter.started, f"attempt {latter.attempt} began while {former.attempt} went on"


def _over(call: Call, killed_at: tuple[float, ...]) -> float | None:
    """When a call was over: when it was answered, or when its worker was killed, whichever came first."""
    ends = [at for at in killed_at if at >= call.started]
    if call.ended is not None:
        ends.append(call.ended)
    return min(ends, default=None)
