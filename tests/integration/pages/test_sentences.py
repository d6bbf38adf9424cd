"""What pages say stays true: of schedules, of pauses, and of what a thing that is over still offers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core import schedules
from core.principals import LOCAL
from core.schedules import Schedule
from services.jobs import creating
from tests.factories import NOON, GivenSystem, claim, new_job, record, succeeded
from tests.integration.pages.browser import Browser, Page

AT_ONCE = schedules.Immediate()
DAILY = schedules.Cron("0 9 * * *")


def made(system: GivenSystem, schedule: Schedule, **wanted: object) -> UUID:
    return creating.create(LOCAL, system, new_job(schedule, **wanted))


def page_of(browser: Browser, job_id: UUID) -> Page:
    return browser.load(f"/dashboard/jobs/{job_id}")


def previewed(browser: Browser, **typed: str) -> Page:
    form = browser.load("/dashboard/new").form("Make the job")
    given = {f"schedule.{typed['kind']}.{name}": text for name, text in typed.items() if name != "kind"}
    return browser.submit(form, do="preview", **{"schedule.type": typed["kind"], **given})


def test_what_is_said_of_the_run_of_a_job_at_once_follows_the_run(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, AT_ONCE)
    page = page_of(browser, job_id)
    assert "Its run is queued ." in page.text
    live = page.html.index('id="schedule" data-live')
    assert live < page.html.index("Its run is") < page.html.index("Why did it run, or not?")
    [work] = claim(system)
    record(system, work, succeeded())
    assert "Its run is" not in page_of(browser, job_id).text


def test_an_instant_is_told_on_the_readers_clocks_alone(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    text = page_of(browser, made(system, schedules.RunAt(NOON + timedelta(days=9)))).text
    assert "Once, at Sun 29 Nov 2026 13:00:00" in text
    assert "12:00:00 UTC" not in text


def test_the_preview_says_of_an_instant_that_has_passed_that_it_runs_at_once(browser: Browser) -> None:
    assert "This instant has passed: it runs at once." in previewed(browser, kind="run_at", timestamp="2020-01-01").text
    assert "has passed: it" not in previewed(browser, kind="run_at", timestamp="2099-01-01").text


def test_a_cron_expression_with_both_days_says_that_either_suffices(browser: Browser) -> None:
    text = previewed(browser, kind="cron", expression="0 9 1-7 * mon").text
    assert "on days 1-7 of the month or on Monday" in text


@pytest.mark.parametrize("paused", [True, False])
def test_run_now_is_no_first_choice_while_the_run_would_wait(
    browser: Browser, system: GivenSystem, paused: bool
) -> None:
    page = page_of(browser, made(system, DAILY, paused=paused))
    [button] = [given for tag, given in page.elements if tag == "button" and given.get("id") == "go-now"]
    assert (button.get("class") == "primary") is not paused
    assert ("waits until the pause has ended" in page.text) is paused
    assert ("is skipped, whatever its catch-up, which is for outages" in page.text) is paused


def test_a_thing_that_is_over_offers_no_command_that_would_be_refused(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, AT_ONCE)
    [work] = claim(system)
    assert f"/api/runs/{work.run_id}/cancel" in browser.load(f"/dashboard/runs/{work.run_id}").text
    record(system, work, succeeded())
    of_run = browser.load(f"/dashboard/runs/{work.run_id}").text
    assert f"/api/runs/{work.run_id}/cancel" not in of_run
    [command] = [line for line in of_run.split("curl") if f"/api/runs/{work.run_id}/replay" in line]
    assert '{"again": true}' in command, "a completed run is replayed only for whoever asks for that"
    assert f"/api/jobs/{job_id}/pause" not in page_of(browser, job_id).text
