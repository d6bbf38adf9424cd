"""Pauses with an end: asked for on the reader's clocks, and shown wherever the pause is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import schedules
from core.principals import LOCAL
from services.jobs import creating, pause_endings
from services.reading import records
from services.reading.pauses import installation_pause
from tests.factories import NOON, GivenSystem, new_job
from tests.integration.pages.browser import Browser

TYPED, MEANT = "2026-11-20T15:30:00", NOON + timedelta(hours=2, minutes=30)
SHOWN = "until Fri 20 Nov 2026 15:30:00 by somebody on this machine: “It moves”"


@pytest.fixture(autouse=True)
def in_berlin(browser: Browser) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"


def test_a_job_is_paused_until_an_instant_on_the_readers_clocks(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 9 * * *")))
    path = f"/dashboard/jobs/{job_id}"
    page = browser.load(path)
    assert "Until (optional, Europe/Berlin)" in page.text
    form = page.form("Pause")
    assert browser.send(form, until="2026-11-20T12:59:59").status_code == 400
    page = browser.submit(form, until=TYPED, reason="It moves")
    assert "Paused: nothing starts until that instant, or until it is resumed." in page.text
    assert f"Paused now {SHOWN}" in page.text
    assert "no end is set" not in page.text
    later = (MEANT + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S")
    browser.submit(page.form("Change the pause"), until=later)
    assert records.job(LOCAL, job_id).paused_until == MEANT + timedelta(hours=1)
    system.clock.advance(4 * 3600)
    pause_endings.end_all(system)
    assert "until Fri" not in browser.load(path).text
    log = browser.load("/dashboard/audit").text
    assert "until: Fri 20 Nov 2026 15:30:00" in log, "as all instants, on the reader's clocks"
    assert "2026-11-20T14:30" not in log


def test_a_job_that_is_paused_until_an_instant_tells_which_occurrences_come_before(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 * * * *")))
    form = browser.load(f"/dashboard/jobs/{job_id}").form("Pause")
    page = browser.submit(form, until=TYPED, reason="It moves")
    assert page.text.count("is skipped if the pause lasts") == len(("13:00", "14:00"))


def test_an_app_is_paused_until_an_instant(browser: Browser, system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job())
    page = browser.submit(browser.load("/dashboard/apps/app_a").form("Pause"), until=TYPED, reason="It moves")
    assert "until Fri 20 Nov 2026 15:30:00" in page.text
    assert f"Paused now {SHOWN}" in browser.load("/dashboard/apps/app_a").text


def test_everything_is_paused_until_an_instant(browser: Browser, system: GivenSystem) -> None:
    form = browser.load("/dashboard/queues").form("Pause everything")
    page = browser.submit(form, until=TYPED, reason="It moves")
    assert installation_pause.current(LOCAL).paused_until == MEANT
    told = SHOWN.replace("00 by", "00 , by")
    assert f"Everything was paused now {told}" in page.text
    assert "Everything was paused now until Fri 20 Nov 2026 15:30:00" in browser.load("/dashboard/").text


def test_many_jobs_are_paused_until_an_instant(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    dry_run = browser.load("/dashboard/jobs/actions?action=pause&which=all")
    browser.submit(dry_run.form("Pause 1"), until=TYPED)
    assert records.job(LOCAL, job_id).paused_until == MEANT
