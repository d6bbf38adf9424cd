"""Buttons that would be refused are not shown: what each role sees of one job, its run, its app and the lists."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.principals import LOCAL
from core.schedules import Cron
from core.scopes import Role
from services.apps import apps, members
from services.jobs import creating, requested_runs
from tests.factories import GivenSystem, claim, given_system, new_job, record, refused, runs_of
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register

OF_ALL = {"/logout/", "/dashboard/settings"}
OPERATES = {"trigger", "pause", "cancel", "retry", "replay", "actions"}
CALLED = {"url": "http://127.0.0.1:9/x"}
CHANGES = {"delete", "edit", "revert"}


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=OF_OPERATORS)


@pytest.fixture
def job(system: GivenSystem) -> UUID:
    """A job of an app, with one run that failed and one to come."""
    apps.ensure(LOCAL, system, "app_a")
    job_id = creating.create(LOCAL, system, new_job(Cron("0 3 * * *"), name="Nightly"))
    requested_runs.trigger(LOCAL, system, job_id)
    [work] = claim(system)
    record(system, work, refused())
    return job_id


def as_role(system: GivenSystem, role: Role) -> Browser:
    browser = Browser(site(system))
    register(browser)
    register(browser, "eve")  # an app that has members keeps an owner
    members.put(LOCAL, system, "app_a", "eve", Role.OWNER)
    members.put(LOCAL, system, "app_a", "ada", role)
    log_in(browser)
    return browser


def offered(browser: Browser, *paths: str) -> set[str]:
    """The last part of the path of each form and each link to an action, of which each that only reads opens."""
    shown: set[str] = set()
    for page in map(browser.load, paths):
        assert page.status == 200
        links = {str(given["href"]) for tag, given in page.elements if tag == "a" and given.get("href")}
        shown |= links | {form.action for form in page.forms} - OF_ALL
        reads = {form.action for form in page.forms if form.method != "post"} - {"/dashboard/jobs/actions"}
        for path in {one for one in links | reads if one.startswith("/dashboard") and not one.endswith("/actions")}:
            assert browser.load(path).status == 200, path
    return {one.partition("?")[0].rpartition("/")[2] for one in shown}


@pytest.mark.parametrize(
    ("role", "there", "not_there"),
    [
        (Role.VIEWER, set(), OPERATES | CHANGES | {"members", "keys", "put", "backfill", "test-call"}),
        (Role.OPERATOR, {"trigger", "pause", "cancel", "replay", "actions"}, CHANGES | {"members", "keys"}),
        (
            Role.DEVELOPER,
            {"trigger", "pause", "cancel", "replay", "delete", "test-call"},
            {"members", "keys", "put"},
        ),
        (Role.OWNER, {"trigger", "pause", "cancel", "replay", "delete", "members", "keys", "put"}, set()),
    ],
)
def test_each_role_is_shown_the_buttons_that_it_may_press(
    system: GivenSystem, job: UUID, role: Role, there: set[str], not_there: set[str]
) -> None:
    browser = as_role(system, role)
    runs = [f"/dashboard/runs/{run.id}" for run in runs_of(job)]
    of_one = (f"/dashboard/jobs/{job}", f"/dashboard/jobs/{job}/versions", *runs, "/dashboard/apps/app_a")
    lists = [f"/dashboard/{name}" for name in ("", "jobs", "runs", "failures", "limits", "queues", "upcoming")]
    shown = offered(browser, *of_one, *lists)
    assert there <= shown
    assert shown & not_there == set()
    assert ("Edit" in browser.load(f"/dashboard/jobs/{job}").links) is (role in (Role.DEVELOPER, Role.OWNER))


@pytest.mark.parametrize(("role", "is_offered"), [(Role.OPERATOR, False), (Role.DEVELOPER, True)])
def test_other_data_for_a_request_of_ours_is_offered_to_who_may_edit_the_job(
    system: GivenSystem, role: Role, *, is_offered: bool
) -> None:
    apps.ensure(LOCAL, system, "app_a")
    job_id = creating.create(LOCAL, system, new_job(Cron("0 3 * * *"), task_type="http", data=CALLED))
    requested_runs.trigger(LOCAL, system, job_id)
    [work] = claim(system)
    record(system, work, refused())
    browser = as_role(system, role)
    for path in (f"/dashboard/jobs/{job_id}", f"/dashboard/runs/{work.run_id}"):
        assert ("with other data" in browser.load(path).text) is is_offered
