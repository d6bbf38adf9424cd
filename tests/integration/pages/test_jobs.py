"""The list of jobs: what it says of each, filters in the address, and what it says where there is none."""

from __future__ import annotations

from datetime import timedelta

from api.schemas.paging import JobsQuery
from core import schedules
from core.principals import LOCAL
from pages.resources import jobs
from services.jobs import creating, requested_runs
from tests.factories import NOON, GivenSystem, claim, create_jobs, new_job, record, succeeded
from tests.integration.pages.browser import Browser


def test_an_empty_list_says_how_to_make_the_first_job(browser: Browser) -> None:
    page = browser.load("/dashboard/jobs")
    assert "There is no job yet." in page.text
    assert "curl -s http://127.0.0.1:8000/api/jobs/create" in page.text


def test_a_job_is_shown_with_its_status_its_schedule_its_runs_and_the_next(
    browser: Browser, system: GivenSystem
) -> None:
    nightly = new_job(schedules.Cron("0 3 * * *"), name="Nightly report", tags=("finance",))
    requested_runs.trigger(LOCAL, system, creating.create(LOCAL, system, nightly))
    [work] = claim(system)
    record(system, work, succeeded())
    page = browser.load("/dashboard/jobs")
    assert "1 job" in page.text
    assert "Nightly report greet · app_a finance pending" in page.text
    assert [given["class"] for tag, given in page.elements if tag == "rect"] == ["c-completed"]
    assert "in 15 h" in page.text
    assert page.links["Nightly report"].startswith("/dashboard/jobs/")


def test_filters_stand_in_the_address(browser: Browser, system: GivenSystem) -> None:
    for name in ("good", "bad"):
        creating.create(LOCAL, system, new_job(name=name, tags=(name,)))
    form = browser.load("/dashboard/jobs").form("Show")
    page = browser.submit(form, tag="good")
    assert "good" in page.links
    assert "bad" not in page.links
    assert page.form("Show").fields["tag"] == "good"
    assert "No job fits." in browser.load("/dashboard/jobs?search=nothing").text


def test_jobs_are_found_by_their_metadata_which_the_page_of_a_job_shows(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(name="good", metadata={"team": "<ops>"}))
    creating.create(LOCAL, system, new_job(name="bad", metadata={"team": "sales"}))
    page = browser.submit(browser.load("/dashboard/jobs").form("Show"), metadata="team:<ops>")
    assert "good" in page.links
    assert "bad" not in page.links
    assert page.form("Preview…").fields["metadata"] == "team:<ops>"
    dry_run = browser.submit(page.form("Preview…"), action="pause", which="all")
    assert "of 1 job that fits, 1 would be paused" in dry_run.text
    assert '"team": "<ops>"' in browser.load(f"/dashboard/jobs/{job_id}").text.partition("Metadata")[2][:40]
    refused = browser.load("/dashboard/jobs?metadata=ops")
    assert (refused.status, "must be KEY:VALUE" in refused.text) == (400, True)


def test_a_filter_that_came_with_a_link_stays_for_what_is_done_to_all_that_fit(
    browser: Browser, system: GivenSystem
) -> None:
    for name in ("good", "bad"):
        creating.create(LOCAL, system, new_job(name=name))
    page = browser.load("/dashboard/jobs?name=good")
    assert "1 job that fit" in page.text
    assert "Name: good" in page.text
    assert page.form("Show").fields["name"] == "good"
    assert page.form("Preview…").fields["name"] == "good"


def test_every_filter_of_the_api_is_one_of_the_page() -> None:
    assert set(jobs.FILTERS) == JobsQuery.model_fields.keys() - {"ordering", "limit", "cursor", "page"}


def test_a_long_list_comes_in_pages(browser: Browser, system: GivenSystem) -> None:
    wanted = [new_job(name=f"job {number:02}") for number in range(52)]
    create_jobs(system, wanted, all_or_none=True)
    first = browser.load("/dashboard/jobs?ordering=name")
    assert "52 jobs" in first.text
    assert "job 00" in first.links
    second = browser.load(first.links["Next 50"])
    assert [name for name in second.links if name.startswith("job ")] == ["job 50", "job 51"]
    assert second.links["First page"] == "/dashboard/jobs?ordering=name"


def test_an_instant_in_a_schedule_is_on_the_readers_clocks(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    creating.create(LOCAL, system, new_job(schedules.RunAt(NOON + timedelta(hours=1))))
    assert "at Fri 20 Nov 2026 14:00:00" in browser.load("/dashboard/jobs").text.replace("\xa0", " ")
