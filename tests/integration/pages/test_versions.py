"""The versions of a job on a page: what each changed, and the way back."""

from __future__ import annotations

from uuid import UUID

from core import schedules
from core.principals import LOCAL
from services.jobs import creating
from services.reading import records
from tests.factories import GivenSystem, new_job
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.states import edited

BACK = "Go back to version 1"


def page_of(browser: Browser, system: GivenSystem) -> tuple[UUID, Page]:
    """A job whose priority was 3 and is 8, and the page of its versions."""
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 9 * * *"), priority=3))
    edited(system, job_id, 8)
    return job_id, browser.load(browser.load(f"/dashboard/jobs/{job_id}").links["version 2"])


def test_versions_are_shown_with_who_made_them_why_and_what_they_changed(browser: Browser, system: GivenSystem) -> None:
    _, page = page_of(browser, system)
    assert "priority: 3 → 8" in page.text
    assert "To 8" in page.text
    assert page.html.count('<td class="num" data-label="Version">') == 2
    assert "somebody on this machine" in page.text


def test_a_job_goes_back_to_a_former_version(browser: Browser, system: GivenSystem) -> None:
    job_id, page = page_of(browser, system)
    assert "was restored to that version" in browser.submit(page.form(BACK), reason="Too much").text
    job = records.job(LOCAL, job_id)
    assert (job.priority, job.version) == (3, 3)


def test_a_job_that_was_changed_meanwhile_does_not_go_back(browser: Browser, system: GivenSystem) -> None:
    job_id, page = page_of(browser, system)
    edited(system, job_id, 5)
    assert browser.submit(page.form(BACK)).status == 412
    assert records.job(LOCAL, job_id).priority == 5


def test_a_version_that_is_none_is_not_there(browser: Browser, system: GivenSystem) -> None:
    job_id, _ = page_of(browser, system)
    assert browser.load(f"/dashboard/jobs/{job_id}/versions?from=7&to=9").status == 404
    assert browser.load(f"/dashboard/jobs/{job_id}/versions?from=x").status == 400
