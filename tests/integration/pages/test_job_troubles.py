"""What the page of a job tells first: whatever holds the job up now. And its runs, in the order that is shown."""

from __future__ import annotations

import re

from core import schedules
from core.principals import LOCAL
from core.rates import Rate
from core.states import RunStatus
from models.tables import Breaker
from pages import naming
from services.jobs import creating, requested_runs
from tests.factories import GivenSystem, claim, claim_one, failed, new_job, record, refused, runs_of, succeeded
from tests.integration.execution.limiting import put
from tests.integration.pages.browser import Browser
from tests.integration.pages.states import opened

YEARLY = schedules.Cron("0 0 1 1 *")


def test_a_job_that_is_well_has_no_troubles(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job())
    assert "trouble" not in browser.load(f"/dashboard/jobs/{job_id}").html


def test_an_open_alert_is_told_first(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(YEARLY))
    for _ in range(5):
        requested_runs.trigger(LOCAL, system, job_id)
        record(system, claim_one(system), refused())
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "It fails each time: 5 failures in a row." in page.text
    assert browser.load(page.links["Its failures"]).status == 200


def test_a_limit_that_holds_a_run_is_told_with_the_next_call(browser: Browser, system: GivenSystem) -> None:
    put(system, "app:app_a", rate=Rate(1, 60))
    creating.create(LOCAL, system, new_job())
    record(system, claim_one(system), succeeded())
    job_id = creating.create(LOCAL, system, new_job())
    assert claim(system) == []
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "1 run waits until its rate allows another call; the limit allows the next call in 1 min." in page.text
    assert page.links["app:app_a"] == naming.key_path("app:app_a")


def test_the_breaker_of_its_receiver_is_told_while_no_run_is_held(browser: Browser, system: GivenSystem) -> None:
    there = new_job(YEARLY, callback_url="https://app.example.com/x", max_retries=2)
    job_id, other = creating.create(LOCAL, system, there), creating.create(LOCAL, system, new_job(YEARLY))
    requested_runs.trigger(LOCAL, system, job_id)
    record(system, claim_one(system), failed())
    key = opened(system)
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "Most calls of app_a to app.example.com fail; its circuit breaker opened now." in page.text
    assert page.links["This receiver"] == naming.key_path(key)
    assert "circuit breaker" not in browser.load(f"/dashboard/jobs/{other}").text
    with system.transaction():
        Breaker.delete().execute()
    assert "circuit breaker" not in browser.load(f"/dashboard/jobs/{job_id}").text


def test_an_outage_does_not_make_a_job_slow(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(YEARLY, max_retries=2))
    for _ in range(3):
        requested_runs.trigger(LOCAL, system, job_id)
        work = claim_one(system)
        system.clock.advance(4)
        record(system, work, succeeded())
    requested_runs.trigger(LOCAL, system, job_id)
    work = claim_one(system)
    system.clock.advance(2)
    record(system, work, failed(retry_after_seconds=720))
    system.clock.advance(700)
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "The newest has taken 2.0 s." in page.text
    assert "slow" not in page.text


def test_the_runs_of_a_job_are_in_the_order_of_the_instants_they_are_for(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(YEARLY))
    for _ in range(2):
        requested_runs.trigger(LOCAL, system, job_id)
        record(system, claim_one(system), refused())
        system.clock.advance(60)
    first, second = sorted(run.id for run in runs_of(job_id) if run.status is RunStatus.FAILED)
    replay = requested_runs.replay(LOCAL, system, first).id
    shown = re.findall(r'<tr id="run-([0-9a-f-]+)"', browser.load(f"/dashboard/jobs/{job_id}").html)
    assert shown == [str(second), str(replay), str(first)]


def test_the_failures_on_the_overview_add_up(browser: Browser, system: GivenSystem) -> None:
    for number in range(7):
        creating.create(LOCAL, system, new_job(task_type=f"type_{number}"))
        record(system, claim_one(system), refused())
    page = browser.load("/dashboard/").text
    assert "Failures of the last 24 hours 7 " in page
    assert "2 of 2 other groups" in page
