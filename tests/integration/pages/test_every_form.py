"""Every form that a page shows leads to a page that names its operation of the API, and every such page has a form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from core import schedules
from core.errors import PermanentFailure
from core.principals import LOCAL
from core.scopes import Role
from models.tables import Job, Worker
from services.apps import members
from services.execution import draining, workers
from services.execution.work import Failed
from services.jobs import creating, lifecycle
from services.scheduling import pauses
from tests.every_page import all_routes
from tests.factories import GivenSystem, claim_one, given_system, new_job, polled, record, runs_of
from tests.integration.execution.limiting import put
from tests.integration.pages.browser import Browser
from tests.integration.pages.people import OF_OPERATORS, log_in, register
from tests.integration.pages.states import edited, opened
from tests.integration.pages.tasks import make

PAGES = (
    "/dashboard/",
    "/dashboard/jobs",
    "/dashboard/runs",
    "/dashboard/failures",
    "/dashboard/upcoming",
    "/dashboard/queues",
    "/dashboard/limits",
    "/dashboard/accounts",
    "/dashboard/people",
    "/dashboard/workers",
    "/dashboard/apps",
    "/dashboard/audit",
    "/dashboard/new",
    "/dashboard/upload",
    "/dashboard/settings",
    "/dashboard/outbox",
)
OF_STRANGERS = ("/login", "/register", "/forgot", "/reset?token=a")
SPAN = "from=2026-11-18T00:00&to=2026-11-20T00:00"
APP = "/dashboard/apps/shop"
LIMIT = "account:app_a/acc1"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    settings = {
        "internal_secret": OF_OPERATORS,
        "admin_usernames": "ada",
        "secret_keys": Fernet.generate_key().decode(),
    }
    return given_system(**settings, commands_allowed="echo", requests_per_minute=0)


@pytest.fixture
def pages(browser: Browser, system: GivenSystem) -> list[str]:
    """One page of each kind, of an installation that has one of everything, as its administrator sees them."""
    for name in ("ada", "bob"):
        register(browser, name, **{"X-Internal-Secret": OF_OPERATORS})
    for one in (browser, Browser(browser.app)):
        log_in(one, name="ada")
    _fill_in(browser, "/dashboard/apps", "Make the app", name="shop", callback_base_url="https://shop.example.com")
    _fill_in(browser, APP, "Add the task type", new_type="send", max_retries="2")
    _fill_in(browser, APP, "Make a key", name="reader")
    _fill_in(browser, APP, "Rotate")
    _fill_in(browser, APP, "Store", secret="TOKEN", value="hidden")  # noqa: S106  its name
    _fill_in(browser, "/dashboard/mine", "Make a token", name="report")
    _fill_in(browser, "/dashboard/people", "Invite", email="eve@example.com")
    members.put(LOCAL, system, "shop", "bob", Role.VIEWER)
    workers.register(system)
    put(system, LIMIT, 3)
    job_ids = _jobs(system)
    opened(system)
    _fill_in(browser, "/dashboard/jobs?tag=a", "Save the view", view_name="Of a")
    task = make(browser).links["All about this job"].rpartition("/")[2]
    of_jobs = [f"/dashboard/jobs/{one}{page}" for one in job_ids for page in ("", "/edit", "/versions")]
    of_runs = [f"/dashboard/runs/{run.id}" for job_id in job_ids for run in runs_of(job_id)]
    of_one = [APP, f"/dashboard/limits/of?key={LIMIT}", f"/dashboard/jobs/{job_ids[0]}/backfill?{SPAN}"]
    of_many = [f"/dashboard/{one}/actions?action=cancel&which=all" for one in ("jobs", "runs")]
    of_tasks = ["/task/create", *(f"/task/{task}{page}" for page in ("", "/update", "/delete"))]
    return [*PAGES, "/dashboard/jobs?tag=a", "/dashboard/mine", *of_jobs, *of_runs, *of_one, *of_many, *of_tasks]


def _fill_in(browser: Browser, path: str, button: str, **typed: str) -> None:
    answer = browser.submit(browser.load(path).form(button), **typed)
    assert answer.status == 200, (button, answer.text)


def _jobs(system: GivenSystem) -> list[UUID]:
    """A job that recurs and was edited, one that has polled, one that failed."""
    recurring = creating.create(LOCAL, system, new_job(schedules.Cron("0 9 * * *")))
    edited(system, recurring, 8)
    polling = creating.create(LOCAL, system, new_job(schedules.Polling(30)))
    record(system, claim_one(system), polled({"page": 2}))
    failing = creating.create(LOCAL, system, new_job(max_retries=0))
    record(system, claim_one(system), Failed(PermanentFailure("no", status_code=422)))
    return [recurring, polling, failing]


def _pause_all(system: GivenSystem) -> None:
    """Pause a job, an app and everything, and drain the worker: their pages offer the way back."""
    lifecycle.pause(LOCAL, system, Job.get(Job.schedule_kind == "cron").id)
    pauses.pause_app(LOCAL, system, "shop")
    pauses.pause_everything(LOCAL, system)
    draining.drain(LOCAL, system, Worker.get().id)


def actions(browser: Browser, paths: Iterable[str]) -> set[tuple[str, str]]:
    """The method of each form of these pages, and the path of the page that answers it."""
    found = set()
    for path in paths:
        page = browser.load(path)
        assert page.status == 200, path
        for form in (one for one in page.forms if one.method != "dialog"):
            route: Any = browser.app.routes.find(form.action.partition("?")[0].rstrip("/"))
            assert route is not None, (path, form.action)
            found.add((form.method.upper(), route[3]))
    return found


def test_each_form_leads_to_a_page_that_names_its_operation_and_each_such_page_has_a_form(
    browser: Browser, system: GivenSystem, pages: list[str]
) -> None:
    answers = {(method, route.path): one for route in all_routes(system) for method, one in route.answers().items()}
    met = actions(browser, pages) | actions(Browser(browser.app), OF_STRANGERS)
    _pause_all(system)
    met |= actions(browser, pages)
    assert met - answers.keys() == set(), "forms that no page answers"
    assert [one for one in met if answers[one].like is None] == []
    posts = {one for one in answers if one[0] == "POST"}
    assert posts - met == set(), "pages that no form leads to, or none that is walked here"
