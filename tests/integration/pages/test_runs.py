"""The list of runs of all jobs: what it begins with, what it names, and what its filter takes."""

from __future__ import annotations

from datetime import timedelta

from core import schedules
from core.principals import LOCAL
from services.jobs import creating
from tests.factories import NOON, GivenSystem, claim, failed, first_run, new_job, record, runs_of
from tests.integration.pages.browser import Browser, Page

LATER = schedules.DelayFromNow(600)


def rows(page: Page) -> list[str]:
    return [
        str(given["id"])[4:] for tag, given in page.elements if tag == "tr" and str(given.get("id")).startswith("run-")
    ]


def test_it_begins_with_what_has_come_the_latest_first(browser: Browser, system: GivenSystem) -> None:
    planned = first_run(system, schedules.RunAt(NOON + timedelta(seconds=30)))
    to_come = first_run(system, LATER)
    now = first_run(system, max_retries=1, retry_backoff_base=60.0)
    system.clock.advance(60)
    [work] = claim(system)
    record(system, work, failed())
    page = browser.load("/dashboard/runs")
    assert rows(page) == [str(now.id)], "what is tried again has come; the others are not made due yet"
    assert "1 run, due until now, latest first" in page.text
    assert set(rows(browser.load(page.links["to come"]))) == {str(planned.id), str(to_come.id)}
    assert len(rows(browser.load(page.links["all"]))) == 3
    dry_run = browser.submit(page.form("Preview…"), action="cancel", which="all")
    assert "of 1 run that fits, 1 would be cancelled" in dry_run.text, "all that fit are those that are listed"
    assert rows(browser.load("/dashboard/runs?app_name=app_a")) == [str(now.id)]
    assert len(rows(browser.load(f"/dashboard/runs?job_id={to_come.job_id}&when=all"))) == 1


def test_runs_of_a_page_are_in_the_order_in_which_they_were_due(browser: Browser, system: GivenSystem) -> None:
    made_first = first_run(system)
    made_last = first_run(system)
    with system.transaction():
        type(made_first).update(due_at=NOON + timedelta(seconds=5)).where(
            type(made_first).id == made_first.id
        ).execute()
    assert rows(browser.load("/dashboard/runs")) == [str(made_first.id), str(made_last.id)]
    assert rows(browser.load("/dashboard/runs?when=all")) == [str(made_last.id), str(made_first.id)]


def test_a_job_goes_by_its_title_with_app_and_account(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(name="read_csv_7", title="Import bank file", account_id="acc9"))
    run = runs_of(job_id)[0]
    page = browser.load("/dashboard/runs")
    assert page.links["Import bank file"] == f"/dashboard/jobs/{job_id}"
    assert "Import bank file app_a acc9" in page.text
    assert "Run of Import bank file" in browser.load(f"/dashboard/runs/{run.id}").text
    claim(system)
    for path in ("/dashboard/jobs", f"/dashboard/jobs/{job_id}", "/dashboard/", "/dashboard/workers"):
        assert "Import bank file" in browser.load(path).text, path
    assert "read_csv_7" in browser.load("/dashboard/jobs").text


def test_a_time_means_today_on_the_readers_clocks(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    early = first_run(system)
    system.clock.advance(600)
    late = first_run(system)
    page = browser.load("/dashboard/runs")
    page = browser.submit(page.form("Show"), due_from="13:05")
    assert rows(page) == [str(late.id)]
    assert page.form("Show").fields["due_from"] == "2026-11-20T13:05:00"
    assert rows(browser.submit(page.form("Show"), due_from="", due_before="13:05")) == [str(early.id)]
    assert rows(browser.submit(page.form("Show"), due_from="yesterday", due_before="today")) == []
    assert len(rows(browser.submit(page.form("Show"), due_from="today", due_before="tomorrow"))) == 2


def test_a_filter_that_is_wrong_keeps_what_was_typed_and_says_so_beside_the_field(
    browser: Browser, system: GivenSystem
) -> None:
    first_run(system)
    for path, name in (("/dashboard/runs", "due_from"), ("/dashboard/jobs", "created_from")):
        page = browser.submit(browser.load(path).form("Show"), app_name="app_a", **{name: "half past ten"})
        assert page.status == 400
        fields = page.form("Show").fields
        assert (fields[name], fields["app_name"]) == ("half past ten", "app_a")
        label = page.html.index(f'name="{name}"')
        assert 'class="error"' in page.html[label : page.html.index("</label>", label)]
    assert "a page of another list" in browser.load("/dashboard/runs?cursor=x").text
