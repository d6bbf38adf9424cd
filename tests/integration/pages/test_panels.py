"""The overview, failures, what comes, queues and workers."""

from __future__ import annotations

from core import breakers as rules
from core import limit_keys, schedules
from core.principals import LOCAL
from core.signs_of_life import TICK
from models import apps, breakers, signals
from pages.resources import overview
from services.execution import workers
from services.jobs import lifecycle, requested_runs
from services.runtime.troubles import Trouble
from services.scheduling import pauses
from tests.factories import GivenSystem, claim, new_job, record, refused, succeeded
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site


def alive(system: GivenSystem) -> None:
    """Have every part give a sign of life."""
    workers.register(system)
    with system.transaction():
        signals.mark(TICK, system.clock.now())


def test_the_overview_begins_with_a_verdict(browser: Browser, system: GivenSystem) -> None:
    assert "Something is wrong with the part coordinator" in browser.load("/dashboard/").text
    alive(system)
    page = browser.load("/dashboard/")
    assert "All is well. Nothing has run in the last hour." in page.text
    [main] = [given for tag, given in page.elements if tag == "main"]
    assert int(str(main["data-refetch"])) > overview.KEPT_SECONDS, (
        "or it would show what was kept until the next change"
    )
    assert page.links["What comes"] == "/dashboard/upcoming"


def test_the_overview_shows_what_runs_what_failed_and_what_comes(browser: Browser, system: GivenSystem) -> None:
    alive(system)
    lifecycle.create(LOCAL, system, new_job(name="Charge"))
    [work] = claim(system)
    record(system, work, refused(422))
    lifecycle.create(LOCAL, system, new_job(name="Export"))
    claim(system)
    lifecycle.create(LOCAL, system, new_job(schedules.DelayFromNow(600), name="Remind"))
    system.clock.advance(60)
    page = browser.load("/dashboard/")
    assert "Running now 1 Export" in page.text
    assert "The receiver will not have it." in page.links
    assert "Remind" in page.links
    drawn = {str(given.get("class")) for tag, given in page.elements if tag == "rect"}
    assert {"c-failed", "c-coming"} <= drawn


def test_the_charts_reach_back_as_far_as_is_asked_for(browser: Browser, system: GivenSystem) -> None:
    for chosen in ("1h", "24h", "7d", "30d"):
        page = browser.load(f"/dashboard/?range={chosen}")
        charts = [given["aria-label"] for tag, given in page.elements if tag == "svg" and "aria-label" in given]
        assert len(charts) == 3
    assert browser.load("/dashboard/?range=1y").status == 400


def test_what_runs_is_told_beside_how_long_it_usually_takes(browser: Browser, system: GivenSystem) -> None:
    job_id = lifecycle.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), name="Report"))
    for _ in range(3):
        requested_runs.trigger(LOCAL, system, job_id)
        [work] = claim(system)
        system.clock.advance(4)
        record(system, work, succeeded())
    requested_runs.trigger(LOCAL, system, job_id)
    claim(system)
    system.clock.advance(5)
    assert "5.0 s usually 4.0 s" in browser.load("/dashboard/").text
    system.clock.advance(60)
    assert "slow , usually 4.0 s" in browser.load("/dashboard/").text
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "It usually takes 4.0 s" in page.text
    assert "The newest has taken 1 min 5 s: slow" in page.text
    worker = browser.load("/dashboard/workers")
    assert "Report for 1 min 5 s , slow , usually 4.0 s" in worker.text


def test_receivers_that_are_left_alone_are_shown_and_called_again(system: GivenSystem) -> None:
    browser = Browser(site(system))
    assert "None, and none is watched" in browser.load("/dashboard/queues").text
    lifecycle.create(LOCAL, system, new_job())
    with system.transaction():
        app = apps.by_name("app_a")
        assert app is not None
        key = limit_keys.of_destination("app_a", "app.example.com")
        breakers.open_new(key, app.id, "app.example.com", rules.opened(system.clock.now()), system.clock.now())
    page = browser.load("/dashboard/queues")
    assert "app.example.com app_a now" in page.text
    page = browser.submit(page.form("Call it again"), reason="It is mended")
    assert "The breaker is closed" in page.text
    assert "app.example.com" not in page.text


def test_a_trouble_of_this_process_is_a_part_that_is_amiss(system: GivenSystem) -> None:
    alive(system)
    trouble = Trouble("spool", "The disk is full.", "Make room.")
    page = Browser(site(system, troubles=[trouble])).load("/dashboard/")
    assert "Something is wrong with the part spool: The disk is full. Make room." in page.text


def test_where_nothing_failed_or_comes_or_waits_the_pages_say_so(browser: Browser) -> None:
    assert "Nothing failed for good in the last 7 days." in browser.load("/dashboard/failures?range=7d").text
    assert "Nothing is due in the coming day." in browser.load("/dashboard/upcoming").text
    assert "Nothing waits" in browser.load("/dashboard/queues").text
    assert "No worker has been seen" in browser.load("/dashboard/workers").text


def test_what_comes_is_a_strip_of_minutes_and_a_list(browser: Browser, system: GivenSystem) -> None:
    for _ in range(3):
        lifecycle.create(LOCAL, system, new_job(schedules.DelayFromNow(600), name=None))
    lifecycle.create(LOCAL, system, new_job(schedules.DelayFromNow(660), app_name="app_b"))
    page = browser.load("/dashboard/upcoming")
    assert "4 runs in the coming day" in page.text
    assert "Fri 20 Nov 2026 12:10:00 has 3 Fri 20 Nov 2026 12:12:00 is free greet , greet , greet" in page.text
    assert len([1 for tag, given in page.elements if tag == "rect" and given["class"] == "heat"]) == 2
    assert "1 run in the coming day" in browser.load("/dashboard/upcoming?app_name=app_b").text


def test_an_app_and_everything_are_paused_and_resumed_and_every_page_says_so(
    browser: Browser, system: GivenSystem
) -> None:
    lifecycle.create(LOCAL, system, new_job())
    page = browser.submit(browser.load("/dashboard/queues").form("Pause"), reason="It moves")
    assert "by somebody on this machine: “It moves”" in page.text
    assert "1 run waits" in page.text
    assert "paused app_a acc1" in page.text
    page = browser.submit(page.form("Resume"))
    page = browser.submit(page.form("Pause everything"), reason="A storm")
    banner = browser.load("/dashboard/jobs").text
    assert "Everything is paused since" in banner
    assert "by somebody on this machine: “A storm”" in banner
    assert pauses.installation(LOCAL).paused_at is not None
    browser.submit(page.form("Resume everything"))
    assert "Everything is paused" not in browser.load("/dashboard/jobs").text
    [work] = claim(system)
    record(system, work, succeeded())


def test_workers_are_shown_with_what_they_hold(browser: Browser, system: GivenSystem) -> None:
    lifecycle.create(LOCAL, system, new_job(name="Export"))
    worker = workers.register(system)
    claim(system, worker=worker)
    page = browser.load("/dashboard/workers")
    assert "alive" in page.text
    assert "What runs now 1" in page.text
    assert "Export" in page.links
    system.clock.advance(system.settings.lease_seconds + 1)
    assert "silent" in browser.load("/dashboard/workers").text
