"""The audit log as pages show it: to those who own an app, what is of it; to administrators, all."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from core import schedules
from core.limits import Limit
from core.principals import LOCAL
from services.execution import limit_changes
from services.jobs import creating, lifecycle, requested_runs
from tests.factories import GivenSystem, new_job
from tests.integration.pages.browser import Browser

FROM_AFAR = replace(LOCAL, address="192.0.2.7", credential="session")


def paused(system: GivenSystem, reason: str, app_name: str = "app_a") -> UUID:
    job_id = creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600), name=None, app_name=app_name))
    lifecycle.pause(FROM_AFAR, system, job_id, reason=reason)
    return job_id


def test_an_entry_says_who_did_what_from_where_and_why_and_leads_to_the_thing(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = paused(system, "Lunch")
    page = browser.load("/dashboard/audit")
    assert "somebody on this machine" in page.text
    assert "by session from 192.0.2.7" in page.text
    assert "state: active → paused" in page.text
    assert "Lunch" in page.text
    assert page.links["greet"] == f"/dashboard/jobs/{job_id}"


def test_what_one_request_did_to_many_is_one_row_and_jobs_have_their_titles(
    browser: Browser, system: GivenSystem
) -> None:
    request = replace(FROM_AFAR, request_id="r1")
    for number in range(3):
        made = new_job(schedules.DelayFromNow(600), title=f"Report {number}")
        lifecycle.pause(request, system, creating.create(LOCAL, system, made), reason="The server moves")
    triggered = requested_runs.trigger(LOCAL, system, creating.create(LOCAL, system, new_job(title="Now")))
    page = browser.load("/dashboard/audit")
    assert page.text.count("job.paused") == 1
    assert "job.paused 3 jobs at once" in page.text
    assert {"Report 0", "Report 1", "Report 2", "Now"} <= page.links.keys()
    assert page.links["The run"] == f"/dashboard/runs/{triggered.id}"


def test_what_is_created_is_told_by_the_values_that_it_has(browser: Browser, system: GivenSystem) -> None:
    limit_changes.put(LOCAL, system, "installation", Limit(3))
    page = browser.load("/dashboard/audit")
    assert "concurrency: 3" in page.text
    assert "null" not in page.text
    job_id = paused(system, "Lunch")
    assert "“Lunch”; no end is set" in browser.load(f"/dashboard/jobs/{job_id}").text


def test_paused_jobs_are_listed_with_who_paused_them_when_and_why(browser: Browser, system: GivenSystem) -> None:
    paused(system, "Lunch")
    system.clock.advance(240)
    assert "paused 4 min ago by somebody on this machine: “Lunch”" in browser.load("/dashboard/jobs?status=paused").text


def test_a_job_shows_its_own_entries_and_leads_to_them_in_the_log(browser: Browser, system: GivenSystem) -> None:
    job_id = paused(system, "Lunch")
    paused(system, "Supper")
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "Who changed what" in page.text
    log = browser.load(page.links["In the audit log"])
    assert "Lunch" in log.text
    assert "Supper" not in log.text


def test_entries_are_filtered_and_older_ones_are_a_click_away(browser: Browser, system: GivenSystem) -> None:
    for number in range(51):
        paused(system, f"reason {number}.", app_name="app_a")
    paused(system, "of another app", app_name="app_b")
    page = browser.submit(browser.load("/dashboard/audit").form("Show"), app_name="app_a", thing="job")
    assert "of another app" not in page.text
    assert "reason 0." not in page.text
    older = browser.load(page.links["Older"])
    assert "reason 0." in older.text
    assert "reason 50." not in older.text
    assert "No entry fits the filter." in browser.load("/dashboard/audit?principal=nobody").text
    assert browser.load("/dashboard/audit?nonsense=1").status == 400


def test_entries_are_filtered_by_the_time_on_the_readers_clocks(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    paused(system, "Lunch")  # at 13:00
    system.clock.advance(3 * 3600)
    paused(system, "Supper")
    form = browser.load("/dashboard/audit").form("Show")
    early = browser.submit(form, since="12:30", before="2026-11-20T15:00")
    assert ("Lunch" in early.text, "Supper" in early.text) == (True, False)
    assert early.form("Show").fields["since"] == "2026-11-20T12:30:00"
    late = browser.submit(early.form("Show"), since="2026-11-20T15:00", before="")
    assert ("Lunch" in late.text, "Supper" in late.text) == (False, True)


def test_a_time_range_stays_from_page_to_page(browser: Browser, system: GivenSystem) -> None:
    for number in range(52):
        paused(system, f"reason {number}.")
        system.clock.advance(60)
    page = browser.submit(browser.load("/dashboard/audit").form("Show"), since="12:01", before="12:52")
    assert "Since, UTC" in page.text
    older = browser.load(page.links["Older"])
    assert "reason 1." in older.text
    assert "reason 0." not in older.text
    assert older.form("Show").fields["before"] == "2026-11-20T12:52:00"


def test_what_is_wrong_with_the_filter_stands_beside_its_field(browser: Browser) -> None:
    page = browser.submit(browser.load("/dashboard/audit").form("Show"), since="soon", thing="job")
    assert page.status == 400
    assert page.form("Show").fields.items() >= {"since": "soon", "thing": "job"}.items()
    assert ("span", {"class": "error", "role": "alert"}) in page.elements, "beside its field"
    assert "The filter above is invalid" in page.text
