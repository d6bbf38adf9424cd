"""The pages of section 002 at their old addresses: tasks made, looked at, changed and deleted by forms."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.states import JobStatus
from services.jobs import creating
from services.reading import records
from services.reading.views import JobView
from tests.factories import GivenSystem, given_system, new_job
from tests.integration.pages.browser import FORM, Browser, Page
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register
from tests.integration.pages.tasks import COMMAND, MAKE, make

CHANGE, DELETE = "Change it", "Delete it"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(commands_allowed="echo")


def job_of(page: Page) -> JobView:
    return records.job(LOCAL, UUID(id_of(page)))


def id_of(page: Page) -> str:
    return page.links["All about this job"].rpartition("/")[2]


def test_a_task_is_made_by_the_form_and_shown(browser: Browser) -> None:
    page = make(browser)
    assert "The job is created." in page.text
    assert COMMAND in page.text
    job = job_of(page)
    assert (job.app_name, job.task_type, job.data) == ("tasks", "run_command", {"command": COMMAND})


def test_an_instant_is_on_the_readers_clocks(browser: Browser) -> None:
    browser.cookies["carillon_zone"] = "Asia/Tokyo"
    page = make(browser, scheduled_time="2026-12-24T18:00:00")
    assert "Thu 24 Dec 2026 18:00:00" in page.text
    assert job_of(page).next_run_at == datetime(2026, 12, 24, 9, tzinfo=UTC)
    again = browser.load(page.links["Change"])
    assert again.form(CHANGE).fields["scheduled_time"] == "2026-12-24T18:00:00"


def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(browser: Browser) -> None:
    page = make(browser, scheduled_time="2026-01-01T00:00:00")
    assert page.status == 400
    assert "At is 2026-01-01T00:00:00Z, which has passed" in page.text
    assert page.form(MAKE).fields["command"] == COMMAND
    assert "Command is required." in make(browser, command="").text
    refused = make(browser, command="rm -rf /")
    assert refused.status == 403
    assert "COMMANDS_ALLOWED" in refused.text


def test_a_task_is_changed_and_deleted_by_its_forms(browser: Browser) -> None:
    page = make(browser, scheduled_time="2026-12-24T18:00:00")
    changed = browser.submit(browser.load(page.links["Change"]).form(CHANGE), command="echo other")
    assert "Changed." in changed.text
    assert job_of(changed).data == {"command": "echo other"}
    assert job_of(changed).next_run_at == datetime(2026, 12, 24, 18, tzinfo=UTC)
    question = browser.load(changed.links["Delete"])
    assert "Delete this task?" in question.text
    assert job_of(changed).status is JobStatus.PENDING
    assert "Deleted." in browser.submit(question.form(DELETE)).text
    assert browser.load(page.links["Change"]).status == 404


def test_a_form_that_is_posted_without_a_page_works_as_it_is_printed(browser: Browser) -> None:
    answer = browser.request("POST", "/task/create/", body="command=echo+hello", **{"Content-Type": FORM})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/task/")


def test_a_job_that_is_no_command_is_no_task(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job())
    for path in ("", "update/", "delete/"):
        assert browser.load(f"/task/{job_id}/{path}").status == 404


def test_each_sees_and_changes_their_own_tasks_alone(sqlite: str) -> None:
    system = given_system(commands_allowed="echo", internal_secret=OF_OPERATORS)
    ada, bob = Browser(site(system)), Browser(site(system))
    assert ada.load("/task/create/").has_button("Log in")
    for browser, name in ((ada, "ada"), (bob, "bob")):
        register(browser, name)
        log_in(browser, name=name)
    page = make(ada)
    job = id_of(page)
    assert "echo" in ada.load(f"/task/{job}/").text
    assert ada.load(f"/dashboard/jobs/{job}").status == 200
    form = ada.load(f"/task/{job}/delete/").form(DELETE)
    for path in (f"/task/{job}/", f"/task/{job}/update/", f"/task/{job}/delete/", f"/dashboard/jobs/{job}"):
        assert bob.load(path).status == 404
    token = bob.load("/task/create/").form(MAKE).fields["form_token"]
    assert bob.send(form, form_token=token).status_code == 404
    assert "Deleted." in ada.submit(form).text
