"""The list of failures, by group, and that of the runs that failed: the same span, and by how many they differ."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import PermanentFailure
from core.principals import LOCAL
from models.tables import Run
from services.execution.work import Failed
from services.jobs import creating
from services.reading.failures import failed_runs
from tests.factories import NOON, GivenSystem, claim, new_job, record, runs_of, stored_run
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


def test_two_receivers_that_fail_alike_are_two_groups_and_each_is_replayed_alone(
    browser: Browser, system: GivenSystem
) -> None:
    hosts = ("a.example", "b.example")
    jobs = [creating.create(LOCAL, system, new_job(callback_url=f"https://{host}/x")) for host in hosts]
    for work in claim(system):
        record(system, work, Failed(PermanentFailure("The receiver answered 503.", status_code=503)))
    page = browser.load("/dashboard/failures")
    assert all(host in page.text for host in hosts)
    for job_id, host in zip(jobs, hosts, strict=True):
        [run] = runs_of(job_id)
        links = [str(given.get("href")) for _, given in page.elements]
        dry_run = browser.load(next(one for one in links if "action=replay" in one and f"host={host}" in one))
        assert "of 1 run that fits, 1 would be replayed now." in dry_run.text
        assert f"/dashboard/runs/{run.id}" in dry_run.links.values()
