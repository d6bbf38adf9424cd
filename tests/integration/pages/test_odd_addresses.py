"""Addresses that lead nowhere: a person gets a page in words with a way on, a program the problem detail."""

from __future__ import annotations

import pytest

from core import schedules
from core.principals import LOCAL
from services.jobs import creating, requested_runs
from tests.factories import GivenSystem, first_run, new_job
from tests.integration.api.client import Client, served
from tests.integration.pages.browser import Browser

ANOTHER = "The address leads to a page of another list"
BEGIN = "Begin at the first page"


def given_jobs(system: GivenSystem, count: int = 3) -> None:
    for number in range(count):
        creating.create(LOCAL, system, new_job(schedules.Immediate(), name=f"J{number}", tags=("a",)))


def next_of(client: Client, path: str) -> str:
    found: str = client.simulate_get(path).json["next"]
    return found.partition("cursor=")[2].partition("&")[0]


@pytest.mark.parametrize("path", ["/dashboard/jobs/nonsense", "/nope", "/dashboard/nope"])
def test_a_person_is_told_in_words_that_nothing_is_there(browser: Browser, path: str) -> None:
    page = browser.load(path)
    assert page.status == 404
    assert "No page has this address." in page.text
    assert "openapi" not in page.text
    assert page.links["Overview"] == "/dashboard/"


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_a_program_gets_the_problem_detail(browser: Browser, accept: str) -> None:
    answer = browser.request("GET", "/nope", Accept=accept)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "openapi" in answer.json["detail"]


def test_an_address_of_the_api_answers_browsers_as_programs(browser: Browser) -> None:
    assert browser.request("GET", "/api/nope").headers["Content-Type"] == "application/problem+json"


def test_what_is_no_instant_is_said_once(browser: Browser) -> None:
    text = browser.load("/dashboard/upcoming?minute=noon").text
    assert "minute is no date and time; write for example" in text


@pytest.mark.parametrize("cursor", ["nonsense", None])
def test_a_page_of_another_list_says_so_and_leads_back(
    browser: Browser, system: GivenSystem, cursor: str | None
) -> None:
    given_jobs(system)
    found = cursor or next_of(Client(served(system)), "/api/runs?limit=1")
    page = browser.load(f"/dashboard/jobs?cursor={found}&tag=a")
    assert page.status == 400
    assert ANOTHER in page.text
    assert "`next`" not in page.text
    assert browser.load(page.links[BEGIN]).status == 200
    assert "tag=a" in page.links[BEGIN]


def test_a_page_of_runs_or_of_the_log_with_a_bad_cursor_leads_back(browser: Browser, system: GivenSystem) -> None:
    given_jobs(system)
    for path in ("/dashboard/runs", "/dashboard/audit"):
        page = browser.load(f"{path}?cursor=nonsense")
        assert page.status == 400
        assert page.links[BEGIN].rstrip("?") == path


def test_a_cursor_goes_with_the_list_and_the_filter_that_it_came_from(system: GivenSystem) -> None:
    given_jobs(system)
    client = Client(served(system))
    of_jobs, of_runs = next_of(client, "/api/jobs?limit=1&tag=a"), next_of(client, "/api/runs?limit=1")
    assert client.simulate_get(f"/api/jobs?limit=2&tag=a&cursor={of_jobs}").status_code == 200
    for path in (f"/api/jobs?cursor={of_runs}", f"/api/jobs?cursor={of_jobs}", f"/api/runs?cursor={of_jobs}"):
        answer = client.simulate_get(path)
        assert answer.status_code == 400
        assert "cursor is a cursor of another list" in answer.json["detail"]


def test_a_cursor_of_the_runs_of_one_job_is_none_of_the_runs_of_another(system: GivenSystem) -> None:
    client = Client(served(system))
    run, other = first_run(system), first_run(system)
    requested_runs.trigger(LOCAL, system, run.job_id)
    path = f"/api/jobs/{run.job_id}/runs"
    cursor = next_of(client, f"{path}?limit=1")
    assert client.simulate_get(f"{path}?cursor={cursor}").status_code == 200
    assert client.simulate_get(f"/api/jobs/{other.job_id}/runs?cursor={cursor}").status_code == 400
