"""What must hold after any failure, checked against the journal and the API."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from tests.acceptance.installation import Installation
from tests.acceptance.journal import Call, Journal
from tests.waiting import until

CLOCKS_APART = timedelta(seconds=1)  # two processes know the database's clock to within half a round trip each


def all_complete(carillon: Installation, job_ids: list[str]) -> None:
    """Every job completes; each had at least one call."""

    def have_ended() -> bool:
        return carillon.count("completed") + carillon.count("failed") >= len(job_ids)

    until(have_ended, f"{len(job_ids)} jobs to end")
    failed = carillon.get("/api/runs?status=failed&limit=100")["results"]
    assert not failed, [(run["attempt_count"], run["error_type"], run["error_message"]) for run in failed]
    statistics = carillon.get("/api/jobs/stats")
    assert statistics["completed"] == statistics["total"], statistics


def all_stored_complete(carillon: Installation, journal: Journal, job_ids: list[str]) -> int:
    """Every job in the database completes, those whose creation was never answered too; how many there are.

    Every job whose creation was answered is among them.
    """
    until(carillon.is_ready, "the API to be back")

    def have_ended() -> bool:
        return carillon.count("completed") + carillon.count("failed") == _stored(carillon)

    until(have_ended, "all jobs to end")
    assert carillon.count("completed") == _stored(carillon)
    assert set(job_ids) <= {call.job_id for call in journal.calls}
    return _stored(carillon)


def again_only_after_loss(carillon: Installation, journal: Journal) -> dict[str, list[dict[str, Any]]]:
    """A run is called again only where the attempts before were lost; the attempts at each run called again.

    So none whose end was recorded is executed twice.
    """
    again = {run_id: carillon.attempts(run_id) for run_id in journal.called_again()}
    for of_run in again.values():
        *former, last = [attempt["outcome"] for attempt in of_run]
        assert set(former) == {"lost"}
        assert last == "succeeded"
    return again


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
        for former, latter in itertools.pairwise(ordered):
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


def _stored(carillon: Installation) -> int:
    return int(carillon.get("/api/jobs/stats")["total"])
