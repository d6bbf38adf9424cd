"""Jobs whose app, or with which everything, is paused: said wherever a job is shown, and nothing is promised."""

from __future__ import annotations

from uuid import UUID

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow
from core.scopes import Role
from services.apps import apps, members
from services.jobs import creating, lifecycle
from services.scheduling import pauses
from tests.factories import GivenSystem, claim, failed, first_run, given_system, new_job, record
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register

PAUSED = "The app app_a is paused since Fri 20 Nov 2026 12:00:00 until Fri 20 Nov 2026 13:00:00"
BY = ", by somebody on this machine: “It moves”"


def made(system: GivenSystem, name: str = "Digest") -> UUID:
    return creating.create(LOCAL, system, new_job(Cron("* * * * *"), name=name))


def pause_app(system: GivenSystem) -> None:
    until = system.clock.now().replace(hour=13)
    pauses.pause_app(LOCAL, system, "app_a", "It moves", until=until)


def text(browser: Browser, path: str) -> str:
    return browser.load(path).text.replace("\xa0", " ")


def test_a_job_of_a_paused_app_says_so_and_offers_to_resume_it(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system)
    assert "; next in" in text(browser, f"/dashboard/jobs/{job_id}")
    pause_app(system)
    page = browser.load(f"/dashboard/jobs/{job_id}")
    shown = page.text.replace("\xa0", " ")
    assert PAUSED + BY in shown
    assert "would be next Fri 20 Nov 2026 12:01:00 , but is paused" in shown
    assert "; next" not in shown
    assert "what comes meanwhile is skipped" in shown
    assert page.links["app_a"]
    browser.submit(page.form("Resume the app"))
    assert "is paused" not in text(browser, f"/dashboard/jobs/{job_id}")


def test_a_job_that_is_paused_itself_has_no_next_run_to_come(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system)
    lifecycle.pause(LOCAL, system, job_id)
    assert "would be next Fri 20 Nov 2026 12:01:00 , but is paused" in text(browser, f"/dashboard/jobs/{job_id}")
    assert "would be Fri 20 Nov 2026 12:01:00" in text(browser, "/dashboard/jobs")


def test_no_next_try_is_announced_while_its_job_is_paused(browser: Browser, system: GivenSystem) -> None:
    job_id = first_run(system, max_retries=1, retry_backoff_base=16.0).job_id
    [work] = claim(system)
    record(system, work, failed())
    for path in (f"/dashboard/jobs/{job_id}", "/dashboard/jobs"):
        assert "queued its run is being retried" in text(browser, path), path
    assert "next try in" in text(browser, f"/dashboard/jobs/{job_id}")
    lifecycle.pause(LOCAL, system, job_id)
    shown = text(browser, f"/dashboard/jobs/{job_id}")
    assert "to be tried again once nothing is paused" in shown
    assert "next try" not in shown
    assert "is being retried" not in shown


def test_what_is_run_now_while_it_is_paused_is_said_to_wait(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system)
    form = browser.load(f"/dashboard/jobs/{job_id}").form("Run now")
    assert "It starts as soon as a worker is free." in browser.submit(form).text
    system.clock.advance(5)
    pause_app(system)
    page = browser.submit(browser.load(f"/dashboard/jobs/{job_id}").form("Run now"))
    assert "It waits until its app is resumed." in page.text
    assert "as soon as" not in page.text
    assert "It waits until the app app_a is resumed." in page.text
    system.clock.advance(5)
    lifecycle.pause(LOCAL, system, job_id)
    page = browser.submit(browser.load(f"/dashboard/jobs/{job_id}").form("Run now"))
    assert "It starts once each pause that is listed below has ended" in page.text
    assert "It waits until the job and the app app_a are resumed." in page.text


def test_the_list_marks_the_jobs_of_a_paused_app_and_finds_them(browser: Browser, system: GivenSystem) -> None:
    made(system)
    lifecycle.pause(LOCAL, system, made(system, "Alone"))
    creating.create(LOCAL, system, new_job(DelayFromNow(60), name="Other", app_name="app_b"))
    pause_app(system)
    assert "its app is paused would be Fri 20 Nov 2026 12:01:00" in text(browser, "/dashboard/jobs?name=Digest")
    page = browser.load("/dashboard/jobs?status=paused")
    assert {"Alone"} == {"Digest", "Alone", "Other"} & page.links.keys()
    page = browser.load(page.links["Show also those whose app is paused, or everything"])
    assert {"Digest", "Alone"} == {"Digest", "Alone", "Other"} & page.links.keys()
    assert page.form("Show").fields["paused"] == "true"
    assert "2 jobs" in browser.load("/dashboard/jobs/actions?action=cancel&which=all&paused=true").text
    pauses.pause_everything(LOCAL, system)
    assert "everything is paused" in text(browser, "/dashboard/jobs?name=Other")
    assert "No job fits." in text(browser, "/dashboard/jobs?paused=false")


def test_the_overview_names_each_paused_app(browser: Browser, system: GivenSystem) -> None:
    made(system)
    pause_app(system)
    shown = text(browser, "/dashboard/")
    assert f"The app app_a was paused now until Fri 20 Nov 2026 13:00:00{BY}. Resume it there" in shown
    assert "All is well" not in shown


def test_who_may_not_resume_is_told_and_not_offered_to(sqlite: str) -> None:
    system = given_system(internal_secret=OF_OPERATORS)
    apps.ensure(LOCAL, system, "app_a")
    job_id = made(system)
    browser = Browser(site(system))
    for name in ("ada", "eve"):
        register(browser, name)
    members.put(LOCAL, system, "app_a", "eve", Role.OWNER)
    members.put(LOCAL, system, "app_a", "ada", Role.VIEWER)
    log_in(browser)
    pause_app(system)
    pauses.pause_everything(LOCAL, system, "A storm comes")
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert PAUSED + BY in page.text.replace("\xa0", " ")
    assert "Everything was paused now : nothing starts." in page.text
    assert "Everything was paused now; 0 runs wait. What waits" in browser.load("/dashboard/").text
    assert "A storm comes" not in page.text
    assert not page.has_button("Resume the app")
