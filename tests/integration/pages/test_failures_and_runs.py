"""The list of failures and the list of the runs that failed: the same span, and by how many runs they differ."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.tables import Run
from services.reading.failures import failed_runs
from tests.factories import NOON, GivenSystem, runs_of, stored_run
from tests.integration.pages.browser import Browser
from tests.integration.pages.many import failing, preview


def test_what_failed_until_an_instant_is_counted_listed_and_replayed_alone(
    browser: Browser, system: GivenSystem
) -> None:
    old, in_time, new = failing(system, *["Broken."] * 3)
    with system.transaction():
        Run.update(finished_at=NOON - timedelta(hours=9)).where(Run.id == old).execute()
        Run.update(finished_at=NOON - timedelta(hours=5)).where(Run.id == in_time).execute()
    since, until = "2026-11-20T06:00:00", "2026-11-20T12:00:00"  # `new` failed at that very instant
    page = browser.submit(browser.load("/dashboard/failures").form("Show"), since=since, until=until)
    assert "1 run that failed for good" in page.text
    assert page.form("Show").fields["until"] == until
    assert "1 run that fit" in browser.load(page.links["1"]).text
    browser.submit(browser.load(page.links["Replay all…"]).form("Replay 1"))
    assert [len(runs_of(stored_run(one).job_id)) for one in (old, in_time, new)] == [1, 2, 1]
    empty = f"/dashboard/failures?since={since}&until=2026-11-20T07:00:00"
    assert "since Fri 20 Nov 2026 06:00:00 until Fri 20 Nov 2026 07:00:00" in browser.load(empty).text
    for wrong in (f"since={until}&until={since}", "until=soon"):
        assert browser.load(f"/dashboard/failures?{wrong}").status == 400, wrong


def test_the_lists_of_failures_and_of_failed_runs_say_by_how_many_they_differ(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, known = failing(system, *["Broken."] * 3)
    page = browser.load("/dashboard/failures")
    assert "besides" not in page.text
    assert "of these" not in browser.load("/dashboard/runs?status=failed").text
    browser.submit(preview(browser, "/dashboard/runs", action="dismiss", which="chosen", id=known).form("Dismiss 1"))
    page = browser.load("/dashboard/failures")
    assert "2 runs that failed for good; besides these, 1 was dismissed" in page.text
    listed = browser.load(page.links["besides these, 1 was dismissed"])
    assert "3 runs that fit, newest first; of these, 1 was dismissed: Failures leaves them out" in listed.text
    assert "of these" not in browser.load(page.links["2"]).text, "the runs of a group are as many as it says"
    assert "of these" not in browser.load("/dashboard/runs").text
    monkeypatch.setattr(failed_runs, "MAX_READ", 2)
    assert "of these, at least 1 was dismissed" in browser.load("/dashboard/runs?status=failed").text
