"""Nothing keeps anybody from reading a page: axe looks at each page there is, in either theme and on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from tests.acceptance.installation import new_job
from tests.acceptance.pages.conftest import OF_OPERATORS, Session, host_of
from tests.acceptance.pages.proxy import Proxy
from tests.acceptance.pages.reader import Reader
from tests.every_page import addresses
from tests.factories import given_system
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.xdist_group("chromium")
AT_ONCE, DAILY = {"type": "immediate"}, {"type": "cron", "expression": "0 9 * * *"}
MAIL = {"recipient": "bob@example.com", "subject": "Hello", "body": "Hello."}


class Operator:
    """Asks the server itself for what pages are to show, as its operator."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer, which must be a good one."""
        answer = requests.request(method, self._url + path, json=body, headers=OF_OPERATORS, timeout=LONGEST)
        assert answer.ok, answer.text
        return answer.json()

    def make(self, app: str, task_type: str, schedule: Mapping[str, object] = AT_ONCE, **fields: Any) -> str:
        """Create a job; its id."""
        job = new_job(schedule, app_name=app, task_type=task_type, **fields)
        return str(self.ask("POST", "/api/jobs/create", job)["id"])

    def run_of(self, job_id: str, status: str) -> str:
        """The run of a job, once it has come to this status."""

        def found() -> list[dict[str, Any]]:
            runs = self.ask("GET", f"/api/jobs/{job_id}/runs")["results"]
            return [run for run in runs if run["status"] == status]

        until(found, f"{job_id} to be {status}")
        return str(found()[0]["id"])


@pytest.fixture
def operator(proxy: Proxy) -> Operator:
    return Operator(host_of(proxy))


def test_axe_finds_nothing_serious_on_any_page_in_either_theme_or_on_a_phone(
    root: Reader, operator: Operator, session: Session
) -> None:
    about, others = shown(root, operator, session.app)
    pages = addresses(given_system(), about)
    barriers = []
    for path in (*pages.values(), *others):
        root.open(path)
        barriers += root.barriers()
    for _ in odd_pages(root, session, f"/dashboard/jobs/{about['job_id']}"):
        barriers += root.barriers()
    assert barriers == [], "\n".join(barriers)


def shown(root: Reader, operator: Operator, app: str) -> tuple[dict[str, str], list[str]]:
    """A thing of each kind that a page is about; and pages about things of other states."""
    polled = operator.make(app, "poll", {"type": "polling", "interval_seconds": 3_600}, name="Import for the axe")
    written = operator.make(app, "send_email", name="Letter", data=MAIL)
    broken = operator.make(app, "broken", name="Of no use", max_retries=0)
    operator.ask("PUT", f"/api/limits/account:{app}/acc1", {"concurrency": 100})
    operator.ask("PATCH", f"/api/apps/{app}", {"task_types": {"print": {"max_retries": 2}}})
    about = {
        "job_id": operator.make(app, "digest", DAILY, name="Of the axe", tags=["seen"]),
        "task_id": task(root),
        "run_id": operator.run_of(broken, "failed"),
        "name": app,
        "account_id": "acc1",
        "breaker": f"destination:{app}/127.0.0.1",
        "limit": f"account:{app}/acc1",
        "reset_token": "x" * 40,
    }
    operator.run_of(polled, "completed")
    operator.run_of(written, "completed")
    about["email_id"] = operator.ask("GET", "/api/outbox")["results"][0]["id"]
    return about, [f"/dashboard/jobs/{one}" for one in (polled, broken)]


def task(root: Reader) -> str:
    """A task made by the form of tasks; its id."""
    root.open("/task/create/")
    root.fill(command="echo hello")
    root.press("Make the task")
    return root.shown_id()


def odd_pages(root: Reader, session: Session, of_job: str) -> Iterator[None]:
    """Lead to pages that no address has: each is shown when this yields."""
    root.open("/dashboard/nowhere", 404)
    yield
    root.open("/dashboard/apps")
    root.fill(name=session.app, callback_base_url="ftp://nowhere.example.com")
    root.press("Make the app")
    expect(root.page.locator("main .error").first).to_be_visible()
    yield
    root.open(f"/dashboard/apps/{session.app}")
    root.page.locator("#task-types details").first.locator("summary").click()
    root.page.locator("#new-type summary").click()
    root.fill(new_type="a b")
    root.press("Add the task type")
    expect(root.page.locator("#error-new_type")).to_be_visible()
    root.page.locator("#task-types details").first.locator("summary").click()
    yield
    root.open(of_job)
    root.press("Send a test call")
    expect(root.page.locator("h1")).to_contain_text("Test call of")
    yield
    root.open(f"/dashboard/apps/{session.app}")
    root.press("Rotate")
    expect(root.page.locator("#shown-once")).to_contain_text("whsec_")
    yield
