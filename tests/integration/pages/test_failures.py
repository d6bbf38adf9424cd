"""Failures on the dashboard: grouped by why, replayed or dismissed as a group, and counted as what came of them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.errors import PermanentFailure
from core.principals import LOCAL
from core.schedules import Polling
from models import filtering
from models.tables import Run
from services.execution.work import Failed, Result, Succeeded
from services.jobs import creating, lifecycle, requested_runs, run_actions
from services.reading.failures import failed_runs
from services.reading.failures.given_up import AllGivenUp
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    failed,
    new_job,
    polled,
    record,
    runs_of,
    stored_job,
    stored_run,
)
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.many import failing, made, preview


def test_failures_are_grouped_and_a_group_is_replayed_or_dismissed(browser: Browser, system: GivenSystem) -> None:
    full, odd = "The disk 1_0% of node 7 is full.", "Nothing like it."
    alike = failing(system, full, "The disk 1_0% of node 12 is full.", odd)
    page = browser.load("/dashboard/failures")
    assert "3 runs that failed for good" in page.text
    groups = [link for link in page.elements if link[0] == "a" and "failure=" in str(link[1].get("href"))]
    replays = [str(given["href"]) for _, given in groups if "action=replay" in str(given["href"])]
    assert len(replays) == 2
    dry_runs = {dry_run.text.count("2 would be replayed"): dry_run for dry_run in map(browser.load, replays)}
    assert "Error The disk …_…% of node … is full." in dry_runs[1].text
    browser.submit(dry_runs[1].form("Replay 2"))
    assert [len(runs_of(stored_run(one).job_id)) for one in alike] == [2, 2, 1]
    links = [str(given["href"]) for _, given in groups]
    [dismiss] = [link for link in links if "dismiss" in link and "Nothing" in link]
    after = browser.submit(browser.load(dismiss).form("Dismiss 1"))
    assert "Dismissed:" in after.text
    left = browser.load("/dashboard/failures")
    assert "2 runs that failed for good" in left.text
    assert odd not in left.text
    assert stored_run(alike[2]).status == "failed"


def test_a_group_says_what_the_receiver_said_to_its_newest_run(browser: Browser, system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(max_retries=0))
    [work] = claim(system)
    refused = PermanentFailure("The receiver answered 422 Unprocessable Entity.", status_code=422)
    record(system, work, Failed(refused, '{"error": "The image cannot be decoded."}'))
    assert "The receiver of the newest says: The image cannot be decoded." in browser.load("/dashboard/failures").text


def test_the_count_of_a_group_leads_to_its_runs_alone_and_actions_there_mean_them(
    browser: Browser, system: GivenSystem
) -> None:
    failing(system, "Node 7 is full.", "Node 12 is full.", "Nothing like it.")
    page = browser.load("/dashboard/failures")
    listed = browser.load(page.links["2"])
    assert "2 runs that fit" in listed.text
    assert "Nothing like it." not in listed.text
    assert listed.form("Show").fields["failure"] == "Node … is full."
    dry_run = browser.submit(listed.form("Preview…"), which="all", action="dismiss")
    assert "2 would be dismissed" in dry_run.text
    assert "1 run that fit" in browser.load(page.links["1"]).text


def test_the_runs_of_a_group_are_cut_after_all_filters_and_the_page_says_so(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, *_ = failing(system, *["Broken."] * 3)
    with system.transaction():
        Run.update(finished_at=NOON - timedelta(days=2)).where(Run.id == old).execute()
    monkeypatch.setattr("services.reading.failures.failed_runs.MAX_READ", 1)
    of_one_job = f"/dashboard/runs?failure=Broken.&job_id={stored_run(old).job_id}"
    listed = browser.load(of_one_job)
    assert "1 run that fit" in listed.text
    assert "among the newest" not in listed.text
    dry_run = browser.submit(listed.form("Preview…"), which="all", action="dismiss")
    assert "1 would be dismissed" in dry_run.text
    assert "1 run that fit among the newest failures" in browser.load("/dashboard/runs?failure=Broken.").text


def test_runs_are_found_by_their_error_and_such_a_view_is_saved(browser: Browser, system: GivenSystem) -> None:
    failing(system, "Node 7 is full.", "Node 12 is full.", "Nothing like it.")
    found = browser.submit(browser.load("/dashboard/runs").form("Show"), failure="Node 7 is full.")
    assert "2 runs that fit" in found.text
    saved = browser.submit(found.form("Save the view"), view_name="Full nodes")
    opened = browser.load(saved.links["Full nodes"])
    assert "2 runs that fit" in opened.text
    assert "Nothing like it." not in opened.text
    refused = browser.load(f"/dashboard/runs?failure={'x' * 10_001}")
    assert (refused.status, refused.form("Show").fields["failure"]) == (400, "x" * 10_001)


def test_a_receiver_that_gives_no_answer_in_time_is_one_group_whichever_limit_it_met(
    browser: Browser, system: GivenSystem
) -> None:
    failing(system, "The receiver was silent for 30 seconds.", "It took longer than its limit of 30 s.")
    page = browser.load("/dashboard/failures")
    assert "2 runs that fit" in browser.load(page.links["2"]).text
    [replay] = [
        str(given["href"])
        for tag, given in page.elements
        if tag == "a" and "action=replay" in str(given["href"]) and "failure=" in str(given["href"])
    ]
    assert "2 would be replayed" in browser.load(replay).text


def test_what_is_dismissed_or_older_than_the_page_shows_is_not_replayed_with_its_group(
    browser: Browser, system: GivenSystem
) -> None:
    known, old, new = failing(system, *["Broken."] * 3)
    browser.submit(preview(browser, "/dashboard/runs", action="dismiss", which="chosen", id=known).form("Dismiss 1"))
    with system.transaction():
        Run.update(finished_at=NOON - timedelta(days=2)).where(Run.id == old).execute()
    links = [str(given.get("href")) for _, given in browser.load("/dashboard/failures").elements]
    [replay] = [link for link in links if "action=replay" in link and "failure=" in link]
    browser.submit(browser.load(replay).form("Replay 1"))
    assert [len(runs_of(stored_run(one).job_id)) for one in (known, old, new)] == [1, 1, 2]


def test_what_failed_since_an_instant_is_replayed_as_a_whole_and_says_so(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    [yesterday, *this_morning] = failing(system, "Broken.", "Full.", "Lost.")
    with system.transaction():
        Run.update(finished_at=NOON - timedelta(hours=14)).where(Run.id == yesterday).execute()
    assert "3 runs that failed for good" in browser.load("/dashboard/failures").text
    page = browser.load("/dashboard/failures?range=today")
    assert "2 runs that failed for good" in page.text
    page = browser.submit(page.form("Show"), since="2026-11-20T06:00:00")
    assert page.form("Show").fields["since"] == "2026-11-20T06:00:00"
    browser.submit(browser.load(page.links["Replay all…"]).form("Replay 2"))
    assert [len(runs_of(stored_run(one).job_id)) for one in (yesterday, *this_morning)] == [1, 2, 2]
    assert browser.load("/dashboard/failures").text.count("1 being replayed") == 2
    assert browser.load("/dashboard/failures?since=yesterday").status == 400
    assert browser.load("/dashboard/failures?range=1y").status == 400
    assert "Nothing failed for good since Fri 20 Nov" in browser.load("/dashboard/failures?since=2026-11-20T14:00").text


def test_what_is_tried_again_is_told_by_why_it_failed(browser: Browser, system: GivenSystem) -> None:
    assert "No run waits for the instant of another try" in browser.load("/dashboard/failures").text
    for _ in range(2):
        creating.create(LOCAL, system, new_job(max_retries=1, retry_backoff_base=60.0))
    for work in claim(system):
        record(system, work, failed())
    page = browser.load("/dashboard/failures")
    assert "2 greet app_a The receiver is down." in page.text
    assert "in 1 min" in page.text


def test_replaying_all_means_dead_runs_alone_and_goes_on_after_those_refused(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(system, "later")
    [cancelled] = made(system, "cancelled")
    [well] = [creating.create(LOCAL, system, new_job())]
    [work] = claim(system)
    record(system, work, Succeeded(200, ""))
    lifecycle.cancel(LOCAL, system, cancelled)  # the runs of cancelled jobs cannot be replayed
    failing(system, "Broken.")
    monkeypatch.setattr("pages.resources.bulk.MOST", 1)
    dry_run = preview(browser, "/dashboard/runs", action="replay", which="all")
    assert "of the first 1 run, 0 would be replayed now; the rest would follow after" in dry_run.text
    rest = browser.load(dry_run.links["Go on with the rest"])
    assert "this list shows the new runs. 1 replayed, 1 refused." in browser.submit(rest.form("Replay 1")).text
    assert len(runs_of(well)) == 1


def test_a_group_that_is_being_replayed_is_offered_for_no_further_replay(browser: Browser, system: GivenSystem) -> None:
    def replays(page: Page) -> list[str]:
        links = [str(given.get("href")) for tag, given in page.elements if tag == "a"]
        return [link for link in links if "action=replay" in link and "failure=" in link]

    failing(system, "Broken.", "Broken.")
    [replay] = replays(browser.load("/dashboard/failures"))
    assert "2 replayed, 0 refused." in browser.submit(browser.load(replay).form("Replay 2")).text
    page = browser.load("/dashboard/failures")
    assert "2 being replayed" in page.text
    assert replays(page) == []
    assert "All 2 are already being replayed: nothing is left to replay." in browser.load(replay).text
    assert "All 2 are already being replayed" in browser.load(page.links["Replay all…"]).text
    claim(system)  # the replays
    failing(system, "Broken.")
    assert len(replays(browser.load("/dashboard/failures"))) == 1
    assert "of 1 run that fits, 1 would be replayed" in browser.load(replay).text


def test_a_failure_that_is_dismissed_can_still_be_replayed_and_is_shown_when_it_fails_anew(
    browser: Browser, system: GivenSystem
) -> None:
    [run_id] = failing(system, "Broken.")
    browser.submit(preview(browser, "/dashboard/runs", action="dismiss", which="chosen", id=run_id).form("Dismiss 1"))
    again = preview(browser, "/dashboard/runs", action="dismiss", which="chosen", id=run_id)
    assert "is dismissed already" in again.text
    requested_runs.replay(LOCAL, system, run_id)
    [work] = claim(system)
    record(system, work, Failed(PermanentFailure("Broken.", status_code=422)))
    assert "1 run that failed for good" in browser.load("/dashboard/failures").text


def test_replaying_many_leads_to_the_replays_and_what_becomes_of_them(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "CLOCKS_APART", timedelta(days=36_500))  # the clock stands, and ids tell the time
    failed_ids = failing(system, "Broken.", "Broken.")
    meant = {"which": "all", "status": "failed", "finished_from": "2026-11-20T11:00:00Z"}
    dry_run = preview(browser, "/dashboard/runs", action="replay", **meant)
    assert all(f"/dashboard/runs/{one}" in dry_run.html for one in failed_ids), "the dry run names the runs"
    assert "Ended since Fri 20 Nov 2026 11:00:00" in dry_run.text
    system.clock.advance(60)
    page = browser.submit(dry_run.form("Replay 2"))
    replays = {runs_of(stored_run(one).job_id)[-1].id for one in failed_ids}
    assert "2 runs that fit: 2 queued, newest first" in page.text
    assert all(f'id="run-{one}"' in page.html for one in replays)
    assert not any(f'id="run-{one}"' in page.html for one in failed_ids)
    assert page.links["an earlier run"] in {f"/dashboard/runs/{one}" for one in failed_ids}


def test_a_failure_that_has_run_again_counts_as_what_came_of_it(browser: Browser, system: GivenSystem) -> None:
    mended, failing_again, stopped = failing(system, "Broken.", "Broken.", "Broken.")
    replays = [requested_runs.replay(LOCAL, system, one).id for one in (mended, failing_again, stopped)]
    page = browser.load("/dashboard/failures")
    assert "3 runs that failed for good" in page.text
    assert "3 being replayed" in page.text
    run_actions.cancel(LOCAL, system, replays[2])
    results: dict[UUID, Result] = {
        replays[0]: Succeeded(200, ""),
        replays[1]: Failed(PermanentFailure("Broken.", status_code=422)),
    }
    for work in claim(system):
        record(system, work, results[work.run_id])
    page = browser.load("/dashboard/failures")
    assert "2 runs that failed for good; besides these, 2 were replayed and have run again" in page.text
    assert "being replayed" not in page.text
    dry_run = preview(browser, "/dashboard/runs", action="replay", which="all", status="failed")
    assert dry_run.links.keys() >= {"greet"}
    assert f"/dashboard/runs/{replays[1]}" in dry_run.html
    assert f"/dashboard/runs/{mended}" not in dry_run.html
    assert "of 2 runs that fit, 1 would be replayed" in dry_run.text, "the job of the other one is cancelled"
    assert "2 would be dismissed" in preview(browser, "/dashboard/runs", action="dismiss", which="all").text
    listed = browser.load("/dashboard/runs?status=failed")
    assert "replayed : completed" in listed.text
    assert listed.links["replayed"].startswith("/dashboard/runs/")
    assert "4 runs that fit, newest first; of these, 2 were replayed and have run again: Failures" in listed.text
    assert listed.html.count("4 runs that fit") == 1, "they stay among the runs"


@pytest.mark.parametrize("schedule", [Polling(30, max_polls=1), Polling(30, give_up_after_seconds=20)])
def test_a_job_that_gave_up_polling_is_listed_with_the_reason_though_no_run_failed(
    browser: Browser, system: GivenSystem, schedule: Polling
) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedule, title="Wait for the export"))
    assert "gave up" not in browser.load("/dashboard/failures").text
    record(system, claim(system)[0], polled({"n": 1}))
    reason = stored_job(job_id).end_reason
    assert reason
    page = browser.load("/dashboard/failures")
    assert "Jobs that gave up 1" in page.text
    assert reason in page.text
    assert page.links["Wait for the export"] == f"/dashboard/jobs/{job_id}"
    assert f"Wait for the export app_a gave up: {reason}" in browser.load("/dashboard/").text
    [listed] = AllGivenUp(system).of(LOCAL, 24).results
    assert (listed.job_id, listed.reason) == (job_id, reason)
    system.clock.advance(86_401)
    assert AllGivenUp(system).of(LOCAL, 24).results == []


def test_a_poll_that_failed_is_listed_once_though_its_job_gave_up(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(Polling(30, give_up_after_seconds=1), max_retries=3))
    [work] = claim(system)
    system.clock.advance(5)
    record(system, work, failed())
    assert failed_runs.grouped(LOCAL, system, 24).count == 1
    assert AllGivenUp(system).of(LOCAL, 24).results == []
