"""Limits, for real: a receiver is never called more often than its key allows, nor by more runs at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import promises
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import IMMEDIATE, WITHOUT_BEATS, Installation
from tests.acceptance.journal import Call, Gate, Journal
from tests.waiting import LONGEST, until

CALLS, SECONDS = 8, 2


@pytest.fixture
def limits() -> dict[str, str]:
    """The limits; each test says."""
    return {}


@pytest.fixture
def limited(
    tmp_path: Path, postgresql: str, rabbitmq_url: str, journal: Journal, limits: dict[str, str]
) -> Iterator[Installation]:
    """Two workers under limits."""
    urls = {"DATABASE_URL": postgresql, "RABBITMQ_URL": rabbitmq_url, "CALLBACK_BASE_URL": journal.url}
    with Installation(tmp_path, WITHOUT_BEATS, {**QUICK, **urls, **limits}) as carillon:
        yield carillon


@pytest.mark.parametrize("limits", [{"ACCOUNT_RATE": f"{CALLS}/{SECONDS}"}])
def test_no_key_is_used_beyond_its_limit_though_limits_change_and_a_worker_is_killed_and_the_rest_goes_on(
    limited: Installation, journal: Journal
) -> None:
    gate = Gate()
    journal.behave = gate
    first_ids = limited.create_many(1, IMMEDIATE, account_id="acc2")
    _put(limited, "account:app_a/acc2", concurrency=2)
    gate.close()
    other_ids = limited.create_many(5 * CALLS, IMMEDIATE, account_id="acc2")
    gate.wait_until_held(2)
    until(lambda: _is_one_held_by(limited, other_ids, "concurrency"), "a run to be held by the limit on its account")
    assert len(gate.wait_until_held(2)) == 2
    gate.open()
    job_ids = limited.create_many(5 * CALLS, IMMEDIATE)
    statuses: dict[str, list[str]] = {}

    def one_is_held() -> bool:
        shown = {job_id: limited.get(f"/api/jobs/{job_id}/status") for job_id in job_ids}
        held = [one for one in shown.values() if one["status"] == "paused_rate_limited"]
        statuses.update({one["job_id"]: [entry["event_type"] for entry in one["logs"]] for one in held})
        return bool(held)

    until(one_is_held, "a job to be held by the rate limit")
    assert all(events == ["rate_limited"] for events in statuses.values())
    gate.close()
    other_ids += limited.create_many(CALLS, IMMEDIATE, account_id="acc2")
    journal.wait_for(lambda calls: any(_goes_on(one, other_ids) for one in calls), "a call under the limit")
    limited.kill_and_wait("worker.1")
    _put(limited, "account:app_a/acc2", concurrency=3)
    gate.open()
    promises.all_complete(limited, [*first_ids, *job_ids, *other_ids])
    promises.one_key_a_run(journal)
    calls = sorted((one for one in journal.calls if one.job_id in job_ids), key=lambda one: one.started)
    assert {one.job_id for one in calls} == set(job_ids)
    spans = [after.started - before.started for before, after in zip(calls, calls[CALLS:], strict=False)]
    assert all(span >= SECONDS for span in spans), "one call too many within the span"
    assert _most_at_once([one for one in journal.calls if one.job_id in other_ids]) <= 3


@pytest.mark.parametrize("limits", [{"MAX_CONCURRENT_RUNS": "3"}])
def test_three_run_at_once_and_never_more(limited: Installation, journal: Journal) -> None:
    gate = Gate()
    journal.behave = gate
    gate.close()
    job_ids = limited.create_many(40, IMMEDIATE)
    gate.wait_until_held(3)
    gate.open()
    promises.all_complete(limited, job_ids)
    assert _most_at_once(journal.calls) == 3


def _put(carillon: Installation, key: str, **limit: Any) -> None:
    carillon.session.put(f"{carillon.url}/api/limits/{key}", json=limit, timeout=LONGEST).raise_for_status()


def _is_one_held_by(carillon: Installation, job_ids: Sequence[str], hold: str) -> bool:
    return any(run["held_by"] == hold for runs in carillon.runs(job_ids).values() for run in runs)


def _goes_on(call: Call, job_ids: Sequence[str]) -> bool:
    return call.ended is None and call.job_id in job_ids


def _most_at_once(calls: Sequence[Call]) -> int:
    """How many of these calls were under way at one moment."""
    changes = sorted([(one.started, 1) for one in calls] + [(one.ended or 0.0, -1) for one in calls])
    return max(accumulate(change for _, change in changes))
