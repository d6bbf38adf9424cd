"""Overlap, pause, edit and catch-up as they are lived: real processes on RabbitMQ and PostgreSQL, real seconds."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg2

from tests.acceptance.conftest import SHARED
from tests.acceptance.installation import Installation
from tests.acceptance.journal import Gate, Journal
from tests.acceptance.kept_services import KeptServices
from tests.acceptance.promises import CLOCKS_APART
from tests.waiting import LONGEST, until

pytestmark = SHARED

EVERY_SECOND = {"type": "interval", "every_seconds": 1}
EVERY_MINUTE = {"type": "interval", "every_seconds": 60}
OVERLAPS = ("skip", "allow", "queue_one", "cancel_previous")
CATCH_UPS = {"latest": (9, 1), "skip": (10, 0), "all": (0, 10)}


def rows(carillon: Installation, job_id: str) -> list[dict[str, Any]]:
    """What became of a job's occurrences that have come, oldest first."""
    found = carillon.runs([job_id])[job_id]
    return sorted((run for run in found if run["status"] != "pending"), key=lambda run: str(run["scheduled_for"]))


def tally(carillon: Installation, job_id: str) -> Counter[tuple[str, str | None]]:
    """How many occurrences ended or wait in each way."""
    return Counter((run["status"], run["held_by"] or run["reason"]) for run in rows(carillon, job_id))


def test_each_overlap_policy_while_a_call_takes_long(services: KeptServices, journal: Journal) -> None:
    gate = Gate()
    journal.behave = gate
    gate.close()
    jobs = {overlap: services.create(EVERY_SECOND, overlap=overlap) for overlap in OVERLAPS}
    until(lambda: tally(services, jobs["skip"])["skipped", "overlap"] >= 3, "occurrences to be skipped")
    until(lambda: tally(services, jobs["allow"])["running", None] >= 3, "occurrences to run side by side")
    until(lambda: tally(services, jobs["queue_one"])["queued", "overlap"] == 1, "one to wait")
    until(
        lambda: tally(services, jobs["cancel_previous"])["cancelled", "replaced by a newer occurrence"] >= 3,
        "former runs to be cancelled",
    )
    assert tally(services, jobs["skip"])["running", None] == 1
    gate.open()
    for overlap, job_id in jobs.items():
        before = tally(services, job_id)["completed", None]
        until(lambda: tally(services, job_id)["completed", None] >= before + 2, f"{overlap} to go on")  # noqa: B023
        services.session.post(f"{services.url}/api/jobs/{job_id}/cancel", timeout=LONGEST)
    for overlap in ("skip", "queue_one"):
        calls = sorted((call.started, call.ended) for call in journal.calls if call.job_id == jobs[overlap])
        assert all(former[1] is not None and former[1] <= latter[0] for former, latter in pairwise(calls)), overlap


def test_a_pause_of_the_app_and_an_edit_take_hold_between_two_occurrences(
    services: KeptServices, journal: Journal
) -> None:
    job_id = services.create(EVERY_SECOND, data={"edition": 1})
    until(lambda: tally(services, job_id)["completed", None] >= 2, "the first calls")
    services.session.post(f"{services.url}/api/apps/app_a/pause", timeout=LONGEST).raise_for_status()
    paused_at = datetime.now(UTC)
    until(lambda: tally(services, job_id)["skipped", "paused"] >= 4, "occurrences to be skipped")
    edited = services.session.patch(f"{services.url}/api/jobs/{job_id}", json={"data": {"edition": 2}}, timeout=LONGEST)
    assert edited.status_code == 200, edited.text
    resumed_at = datetime.now(UTC)
    services.session.post(f"{services.url}/api/apps/app_a/resume", timeout=LONGEST).raise_for_status()
    before = tally(services, job_id)["completed", None]
    until(lambda: tally(services, job_id)["completed", None] >= before + 2, "calls again")
    editions = [call.body["payload"]["data"]["edition"] for call in journal.calls]
    assert editions == sorted(editions)
    assert set(editions) == {1, 2}
    for run in rows(services, job_id):
        begun = datetime.fromisoformat(run["started_at"]) if run["started_at"] else None
        assert begun is None or not paused_at + CLOCKS_APART < begun < resumed_at - CLOCKS_APART


def test_what_was_due_while_nobody_planned_follows_catch_up(services: KeptServices) -> None:
    """The watermarks stand as ten minutes without coordinators would have left them."""
    now = datetime.now(UTC)
    late = now - timedelta(seconds=605)  # the tenth was due 65 seconds ago, the one after it will be late in 55
    a_minute_ago = now - timedelta(seconds=60)
    jobs = {
        catch_up: services.create({**EVERY_MINUTE, "starts_at": late.isoformat()}, catch_up=catch_up, overlap="allow")
        for catch_up in CATCH_UPS
    }
    with closing(psycopg2.connect(services.database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE jobs SET next_run_at = %s", (late,))
    for catch_up, (missed, run) in CATCH_UPS.items():
        job_id = jobs[catch_up]
        until(lambda: _before(a_minute_ago, services, job_id).total() == 10, "the late ones' rows")  # noqa: B023
        until(lambda: _before(a_minute_ago, services, job_id)["completed"] == run, f"{catch_up}'s runs")  # noqa: B023
        assert _before(a_minute_ago, services, job_id)["missed"] == missed


def _before(instant: datetime, carillon: Installation, job_id: str) -> Counter[str]:
    """The statuses of the occurrences before an instant."""
    return Counter(
        run["status"] for run in rows(carillon, job_id) if datetime.fromisoformat(run["scheduled_for"]) < instant
    )
