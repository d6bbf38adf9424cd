"""The search field: it leads to the one thing that is meant, else to a list."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core import schedules
from core.principals import LOCAL
from models import failing_calls
from services.apps import apps
from services.apps.app_views import AppDefinition
from services.jobs import creating, requested_runs
from services.reading.failures import failing_hosts
from tests.factories import GivenSystem, claim, failed, new_job, record
from tests.integration.pages.browser import Browser

LATER = schedules.DelayFromNow(600)


@pytest.fixture(autouse=True)
def _jobs(system: GivenSystem) -> None:
    apps.create(LOCAL, system, "crm", AppDefinition("https://crm.example.com/base"))
    creating.create(LOCAL, system, new_job(LATER, name="Import stock", account_id="hooli"))
    creating.create(LOCAL, system, new_job(LATER, name="Import bank file", account_id="globex"))


def found(browser: Browser, text: str) -> str:
    location: str = browser.request("GET", f"/dashboard/find?search={text}").headers["Location"]
    return location


def test_a_single_hit_opens_at_once_and_several_are_listed(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(LATER, name="Rebuild"))
    assert found(browser, "rebu") == f"/dashboard/jobs/{job_id}"
    assert found(browser, "import") == "/dashboard/jobs?search=import"
    assert found(browser, "nothing") == "/dashboard/jobs?search=nothing"
    assert found(browser, "") == "/dashboard/jobs"


def test_an_id_leads_to_its_job_or_run(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *")))
    run = requested_runs.trigger(LOCAL, system, job_id)
    assert found(browser, str(job_id)) == f"/dashboard/jobs/{job_id}"
    assert found(browser, str(run.id)) == f"/dashboard/runs/{run.id}"
    nobody = uuid4()
    assert found(browser, str(nobody)) == f"/dashboard/jobs?search={nobody}"


def test_an_account_leads_to_what_it_uses_and_a_host_to_its_failures_or_its_app(
    browser: Browser, system: GivenSystem
) -> None:
    assert found(browser, "globex") == "/dashboard/accounts/of?account_id=globex"
    creating.create(LOCAL, system, new_job(LATER, name="Invoices of globex"))
    assert found(browser, "globex") == "/dashboard/accounts/of?account_id=globex"
    called_so = creating.create(LOCAL, system, new_job(LATER, name="hooli"))
    assert found(browser, "hooli") == f"/dashboard/jobs/{called_so}"
    assert found(browser, "CRM.example.com") == "/dashboard/apps/crm"
    creating.create(LOCAL, system, new_job(app_name="crm", max_retries=2))
    [work] = claim(system)
    record(system, work, failed())
    assert found(browser, "crm.example.com") == "/dashboard/failures#hosts"


def test_the_hosts_that_one_page_has_read_serve_the_next(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.create(LOCAL, system, new_job(app_name="crm", max_retries=2))
    [work] = claim(system)
    record(system, work, failed())
    monkeypatch.setattr(failing_hosts, "MANY", 1)
    assert "crm.example.com" in browser.load("/dashboard/failures").text
    monkeypatch.setattr(failing_calls, "newest", None)  # nobody may read them once more
    assert found(browser, "crm.example.com") == "/dashboard/failures#hosts"


def test_the_field_of_every_page_leads_there(browser: Browser) -> None:
    assert any(form.action == "/dashboard/find" for form in browser.load("/dashboard/runs").forms)
