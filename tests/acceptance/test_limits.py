"""Limits, for real: a receiver is never called more often than its account may be, nor by more runs than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import promises
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import SERVICES, Installation
from tests.acceptance.journal import Gate, Journal
from tests.waiting import until

CALLS, SECONDS = 8, 2
IMMEDIATE = {"type": "immediate"}


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
    with Installation(tmp_path, SERVICES, {**QUICK, **urls, **limits}) as carillon:
        yield carillon


@pytest.mark.parametrize("limits", [{"ACCOUNT_RATE": f"{CALLS}/{SECONDS}"}])
def test_an_account_is_called_no_more_often_than_its_rate_and_the_rest_goes_on(
    limited: Installation, journal: Journal
) -> None:
    job_ids = limited.create_many(5 * CALLS, IMMEDIATE)
    other_ids = limited.create_many(CALLS, IMMEDIATE, account_id="acc2")
    statuses: dict[str, list[str]] = {}

    def one_is_held() -> bool:
        shown = {job_id: limited.get(f"/api/jobs/{job_id}/status") for job_id in job_ids}
        held = [one for one in shown.values() if one["status"] == "paused_rate_limited"]
        statuses.update({one["job_id"]: [entry["event_type"] for entry in one["logs"]] for one in held})
        return bool(held)

    until(one_is_held, "a job to be held by the rate limit")
    assert all(events == ["rate_limited"] for events in statuses.values())
    promises.all_complete(limited, [*job_ids, *other_ids])
    promises.one_key_a_run(journal)
    for of_account in (job_ids, other_ids):
        calls = sorted((one for one in journal.calls if one.job_id in of_account), key=lambda one: one.started)
        assert len(calls) == len(of_account)
        spans = [after.started - before.started for before, after in zip(calls, calls[CALLS:], strict=False)]
        assert all(span >= SECONDS for span in spans), "one call too many within the span"


@pytest.mark.parametrize("limits", [{"MAX_CONCURRENT_RUNS": "3"}])
def test_three_run_at_once_and_never_more(limited: Installation, journal: Journal) -> None:
    gate = Gate()
    journal.behave = gate
    gate.close()
    job_ids = limited.create_many(100, IMMEDIATE)
    gate.wait_until_held(3)
    gate.open()
    promises.all_complete(limited, job_ids)
    changes = sorted([(one.started, 1) for one in journal.calls] + [(one.ended or 0.0, -1) for one in journal.calls])
    at_once = [0]
    for _, change in changes:
        at_once.append(at_once[-1] + change)
    assert max(at_once) == 3
