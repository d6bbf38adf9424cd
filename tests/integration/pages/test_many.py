"""Actions on many jobs and runs of a list: those ticked, or all that fit, tried before they are carried out."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest

from core import schedules
from core.errors import PermanentFailure
from core.principals import LOCAL
from models.tables import Run
from pages.resources import bulk
from services.execution.work import Failed, Succeeded
from services.jobs import lifecycle, requested_runs
from tests.factories import NOON, GivenSystem, claim, failed, new_job, record, runs_of, stored_job, stored_run
from tests.integration.pages.browser import Browser, Page

LATER = schedules.DelayFromNow(600)


def preview(browser: Browser, path: str, **fields: object) -> Page:
    return browser.load(f"{path}/actions?{urlencode(fields, doseq=True)}")


def made(system: GivenSystem, *names: str) -> list[UUID]:
    return [lifecycle.create(LOCAL, system, new_job(LATER, name=name, tags=(name[:1],))) for name in names]


def failing(system: GivenSystem, *errors: str) -> list[UUID]:
    """The runs of jobs that failed, each for one of these reasons."""
    jobs = {lifecycle.create(LOCAL, system, new_job()): error for error in errors}
    for work in claim(system):
        record(system, work, Failed(PermanentFailure(jobs[work.job_id], status_code=422)))
    return [runs_of(job_id)[0].id for job_id in jobs]


def states(job_ids: list[UUID]) -> list[str]:
    return [str(stored_job(one).state) for one in job_ids]


def test_the_jobs_that_are_ticked_are_paused_after_a_trial_for_a_reason(browser: Browser, system: GivenSystem) -> None:
    jobs = made(system, "one", "two", "three")
    listed = browser.load("/dashboard/jobs")
    boxes = {given["value"] for tag, given in listed.elements if tag == "input" and given.get("type") == "checkbox"}
    assert boxes == set(map(str, jobs))
    trial = preview(browser, "/dashboard/jobs", action="pause", which="chosen", id=jobs[:2])
    assert "of 2 jobs that fit, 2 would be paused now." in trial.text
    assert states(jobs) == ["active"] * 3, "the trial leaves nothing behind"
    form = trial.form("Pause 2")
    assert "Paused: nothing starts" in browser.submit(form, reason="It moves").text
    browser.submit(form, reason="It moves")
    assert states(jobs) == ["paused", "paused", "active"]
    assert "“It moves”" in browser.load(f"/dashboard/jobs/{jobs[0]}").text


def test_all_that_fit_the_filter_are_meant_where_that_is_chosen(browser: Browser, system: GivenSystem) -> None:
    jobs = made(system, "a1", "a2", "b1")
    form = browser.load("/dashboard/jobs?tag=a").form("Preview…")
    trial = browser.submit(form, action="delete", which="all")
    assert "Tag a" in trial.text
    page = browser.submit(trial.form("Delete 2"))
    assert "Deleted." in page.text
    assert states(jobs)[2] == "active"
    assert [name for name in browser.load("/dashboard/jobs").links if name in ("a1", "a2", "b1")] == ["b1"]


def test_what_an_action_is_not_for_stays_and_says_why(browser: Browser, system: GivenSystem) -> None:
    [run_id] = failing(system, "Broken.")
    [waiting] = [run.id for job in made(system, "later") for run in runs_of(job)]
    trial = preview(browser, "/dashboard/runs", action="replay", which="chosen", id=[run_id, waiting])
    assert "of 2 runs that fit, 1 would be repeated now." in trial.text
    assert f"The run {waiting} is pending" in trial.text
    assert "New runs repeat those that failed." in browser.submit(trial.form("Replay 1")).text
    assert stored_run(waiting).status == "pending"


def test_what_is_ticked_is_meant_though_it_fits_the_filter_no_more(browser: Browser, system: GivenSystem) -> None:
    [job] = made(system, "one")
    trial = preview(browser, "/dashboard/jobs", action="delete", which="chosen", status="completed", id=job)
    assert "of 1 job that fits, 1 would be deleted now." in trial.text
    back = browser.submit(trial.form("Delete 1"))
    assert back.form("Show").fields["status"] == "completed"
    assert states([job]) == ["cancelled"]


def test_runs_that_have_not_ended_are_cancelled(browser: Browser, system: GivenSystem) -> None:
    failing(system, "Broken.")
    [job] = made(system, "later")
    trial = preview(browser, "/dashboard/runs", action="cancel", which="all")
    browser.submit(trial.form("Cancel 1"))
    assert runs_of(job)[0].status == "cancelled"


def test_a_list_that_is_longer_goes_on_with_the_rest(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.resources.many.MOST", 2)
    jobs = made(system, "one", "two", "three")
    trial = preview(browser, "/dashboard/jobs", action="trigger", which="all")
    assert "2 would be run now; more may fit, and come after these." in trial.text
    rest = browser.submit(trial.form("Run now 2"))
    assert "of 1 job that fits, 1 would be run now." in rest.text
    assert "Carried out. 1 changed, 0 refused." in browser.submit(rest.form("Run now 1")).text
    assert [len(runs_of(job)) for job in jobs] == [2, 2, 2]


def test_failures_are_grouped_and_a_group_is_replayed_or_dismissed(browser: Browser, system: GivenSystem) -> None:
    full, odd = "The disk 1_0% of node 7 is full.", "Nothing like it."
    alike = failing(system, full, "The disk 1_0% of node 12 is full.", odd)
    page = browser.load("/dashboard/failures")
    assert "3 runs that failed for good" in page.text
    groups = [link for link in page.elements if link[0] == "a" and "failure=" in str(link[1].get("href"))]
    replays = [str(given["href"]) for _, given in groups if "action=replay" in str(given["href"])]
    assert len(replays) == 2
    trials = {trial.text.count("2 would be repeated"): trial for trial in map(browser.load, replays)}
    assert "Why The disk …_…% of node … is full." in trials[1].text
    browser.submit(trials[1].form("Replay 2"))
    assert [len(runs_of(stored_run(one).job_id)) for one in alike] == [2, 2, 1]
    links = [str(given["href"]) for _, given in groups]
    [dismiss] = [link for link in links if "dismiss" in link and "Nothing" in link]
    after = browser.submit(browser.load(dismiss).form("Dismiss 1"))
    assert "Dismissed:" in after.text
    left = browser.load("/dashboard/failures")
    assert "2 runs that failed for good" in left.text
    assert odd not in left.text
    assert stored_run(alike[2]).status == "failed"


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
    page = browser.submit(page.form("Since then"), since="2026-11-20T06:00:00")
    assert page.form("Since then").fields["since"] == "2026-11-20T06:00:00"
    browser.submit(browser.load(page.links["Replay all…"]).form("Replay 2"))
    assert [len(runs_of(stored_run(one).job_id)) for one in (yesterday, *this_morning)] == [1, 2, 2]
    assert browser.load("/dashboard/failures").text.count("1 repeated") == 2
    assert browser.load("/dashboard/failures?since=yesterday").status == 400
    assert browser.load("/dashboard/failures?range=1y").status == 400
    assert "Nothing failed for good since Fri 20 Nov" in browser.load("/dashboard/failures?since=2026-11-20T14:00").text


def test_what_is_tried_again_is_told_by_why_it_failed(browser: Browser, system: GivenSystem) -> None:
    assert "No run waits for another try" in browser.load("/dashboard/failures").text
    for _ in range(2):
        lifecycle.create(LOCAL, system, new_job(max_retries=1, retry_backoff_base=60.0))
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
    [well] = [lifecycle.create(LOCAL, system, new_job())]
    [work] = claim(system)
    record(system, work, Succeeded(200, ""))
    lifecycle.cancel(LOCAL, system, cancelled)  # the runs of cancelled jobs cannot be replayed
    failing(system, "Broken.")
    monkeypatch.setattr("pages.resources.many.MOST", 1)
    trial = preview(browser, "/dashboard/runs", action="replay", which="all")
    assert "of 1 run that fits, 0 would be repeated now; more may fit, and come after these." in trial.text
    rest = browser.load(trial.links["Go on with the rest"])
    assert "New runs repeat those that failed. 1 changed, 0 refused." in browser.submit(rest.form("Replay 1")).text
    assert len(runs_of(well)) == 1


def test_a_reason_of_lines_is_acted_on_and_the_page_says_how_many(browser: Browser, system: GivenSystem) -> None:
    failing(system, "Broken:\r\nno 3\n")
    links = [str(given.get("href")) for _, given in browser.load("/dashboard/failures").elements]
    dismiss = next(link for link in links if "action=dismiss" in link and "failure=" in link)
    form = browser.load(dismiss).form("Dismiss 1")
    assert "1 changed, 0 refused." in browser.submit(form).text
    assert "Nothing changed. 0 changed, 0 refused." in browser.submit(form, key="another").text


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


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("action=sing&which=all", "action must be one of"),
        ("action=pause&which=chosen", "tick the jobs"),
        ("action=pause&which=chosen&id=1", "is not an id"),
        ("action=pause&which=all&status=odd", "status"),
        ("action=pause&which=all&after=1", "after"),
    ],
)
def test_what_cannot_be_meant_is_refused(browser: Browser, query: str, told: str) -> None:
    page = browser.load(f"/dashboard/jobs/actions?{query}")
    assert page.status == 400
    assert told in page.text


def test_more_ids_than_a_form_may_carry_are_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST", 1)
    page = preview(browser, "/dashboard/jobs", action="pause", which="chosen", id=[UUID(int=1), UUID(int=2)])
    assert page.status == 400
    assert "is given more than 1 times" in page.text


def test_runs_of_all_jobs_are_listed_and_filtered(browser: Browser, system: GivenSystem) -> None:
    failing(system, "Broken.")
    made(system, "later")
    page = browser.load("/dashboard/runs")
    assert "2 runs, newest first" in page.text
    page = browser.submit(page.form("Show"), status="failed")
    assert "1 run that fit, newest first" in page.text
    assert "later" not in page.links
    assert "No run fits." in browser.load("/dashboard/runs?app_name=none").text
    assert browser.load("/dashboard/runs?status=odd").status == 400
