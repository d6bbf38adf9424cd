"""The overview, failures, what comes, queues and workers."""

from __future__ import annotations

from uuid import uuid4

from core import schedules
from core.errors import AbortReason
from core.principals import LOCAL
from core.processes import ProcessKind
from core.version import VERSION
from pages.resources import overview
from services.execution import workers
from services.execution.work import Stopped
from services.jobs import creating, lifecycle, requested_runs
from services.reading.pauses import installation_pause
from services.runtime import this_process
from services.runtime.troubles import Trouble
from tests.factories import GivenSystem, claim, failed, hear_of, new_job, record, refused, succeeded
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.states import alive


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
    creating.create(LOCAL, system, new_job(name="Charge"))
    [work] = claim(system)
    record(system, work, refused(422))
    creating.create(LOCAL, system, new_job(name="Export"))
    claim(system)
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600), name="Remind"))
    creating.create(LOCAL, system, new_job(schedules.Interval(every_seconds=10), name="Often"))
    system.clock.advance(60)
    page = browser.load("/dashboard/")
    assert "Running now 1 Export" in page.text
    assert "The receiver will not have it." in page.links
    assert "Remind" in page.links
    assert page.texts_of("a").count("Often") == 1, "so that what runs often hides nothing"
    drawn = {str(given.get("class")) for tag, given in page.elements if tag == "rect"}
    assert {"c-failed", "c-coming"} <= drawn


def test_the_overview_begins_with_the_jobs_that_fail_each_time(browser: Browser, system: GivenSystem) -> None:
    alive(system)
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), title="Import bank file"))
    for _ in range(5):
        requested_runs.trigger(LOCAL, system, job_id)
        [work] = claim(system)
        record(system, work, refused(404))
    creating.create(LOCAL, system, new_job(title="Waits"))
    page = browser.load("/dashboard/")
    assert "1 job fails each time: Import bank file (5 in a row)." in page.text
    assert "All is well" not in page.text
    assert "Open alerts 1 Import bank file app_afails each time 5 failures in a row" in page.text
    assert "5 of 5 runs in the last hour failed for good" in page.text, "the minute that has begun counts, too"
    assert page.text.index("queued 1") > page.text.index("Jobs 2 pending 1")


def test_the_charts_reach_back_as_far_as_is_asked_for(browser: Browser, system: GivenSystem) -> None:
    for chosen in ("1h", "24h", "7d", "30d"):
        page = browser.load(f"/dashboard/?range={chosen}")
        charts = [given["aria-label"] for tag, given in page.elements if tag == "svg" and "aria-label" in given]
        assert len(charts) == 3
    assert browser.load("/dashboard/?range=1y").status == 400


def test_what_runs_is_told_beside_how_long_it_usually_takes(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), name="Report"))
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
    assert "It usually takes 4.0 s; the longest of the 3 runs that completed took 4.0 s." in page.text
    assert "The newest has taken 1 min 5 s: slow" in page.text
    assert "longest 4.0 s" in page.text
    worker = browser.load("/dashboard/workers")
    assert "Report for 1 min 5 s , slow , usually 4.0 s" in worker.text


def test_an_attempt_is_compared_by_its_own_time_and_one_handed_back_says_why(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), name="Rebuild"))
    for _ in range(3):
        requested_runs.trigger(LOCAL, system, job_id)
        [work] = claim(system)
        system.clock.advance(600)
        record(system, work, succeeded())
    requested_runs.trigger(LOCAL, system, job_id)
    [work] = claim(system)
    system.clock.advance(900)
    record(system, work, Stopped(AbortReason.SHUTDOWN))
    assert [one.run_id for one in claim(system)] == [work.run_id]
    system.clock.advance(120)
    pace = "usually 10 min, so about 8 min more"
    page = browser.load("/dashboard/")
    assert f"2 min {pace} in attempt 2; the run began 17 min ago" in page.text
    run = browser.load(f"/dashboard/runs/{work.run_id}")
    assert f"17 min, of these 2 min in attempt 2 ({pace})" in run.text
    assert "The worker was stopped." in run.text
    assert "The newest has taken 2 min." in browser.load(f"/dashboard/jobs/{job_id}").text
    assert f"2 min , {pace}" in browser.load("/dashboard/workers").text


def test_jobs_that_became_slow_have_a_card_and_an_ordering(browser: Browser, system: GivenSystem) -> None:
    slow = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), title="Rebuild"))
    creating.create(LOCAL, system, new_job(title="Steady"))
    for number in range(9):
        requested_runs.trigger(LOCAL, system, slow)
        [work] = [one for one in claim(system) if one.job_id == slow]
        system.clock.advance(4 if number < 5 else 80)
        record(system, work, succeeded())
    told = "20 \u00d7 usual since Fri 20 Nov 2026 12:00:20"
    page = browser.load("/dashboard/")
    slower = "4 runs, half of them 1 min 20 s or more, usually 4.0 s"
    assert f"Slower than usual 1 Rebuild app_a {told} {slower}" in page.text
    listed = browser.load(page.links["All that are slow"])
    assert told in listed.text
    assert "Rebuild" in listed.links
    assert "Steady" not in listed.links
    assert "has become slower" in browser.load("/dashboard/jobs?ordering=slower&app_name=other").text
    assert told in browser.load(f"/dashboard/jobs/{slow}").text


def test_the_failures_tell_which_receivers_fail(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/failures")
    assert "No host is known to fail now" in page.text
    assert "No run waits for the instant of another try. " in page.text
    creating.create(LOCAL, system, new_job(title="Contacts", callback_url="https://crm.example.com/x", max_retries=2))
    [work] = claim(system)
    record(system, work, failed())
    page = browser.load("/dashboard/failures")
    assert "crm.example.com app_a now none is known 1" in page.text
    assert "Contacts" in page.links
    assert "No host is known" not in page.text
    assert "answers other jobs" not in page.text
    creating.create(LOCAL, system, new_job(callback_url="https://crm.example.com/y"))
    [work] = claim(system)
    record(system, work, succeeded())
    assert "crm.example.com answers other jobs, last now app_a" in browser.load("/dashboard/failures").text


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
        creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600), name=None))
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(660), app_name="app_b"))
    page = browser.load("/dashboard/upcoming")
    assert "4 runs in the coming day" in page.text
    assert "Fri 20 Nov 2026 12:10:00 has 3 jobs Fri 20 Nov 2026 12:12:00 is free greet , greet , greet" in page.text
    assert len([1 for tag, given in page.elements if tag == "rect" and given["class"] == "heat"]) == 2
    assert "1 run in the coming day" in browser.load("/dashboard/upcoming?app_name=app_b").text
    minute = browser.load("/dashboard/upcoming?minute=2026-11-20T12:11:00Z")
    assert page.html.count('href="/dashboard/upcoming?minute=2026-11-20T12%3A11%3A00Z"') == 1
    assert "Due in the minute Fri 20 Nov 2026 12:11:00" in minute.text
    assert minute.text.count("Fri 20 Nov 2026 12:10:00") == 1, "where jobs meet, and not in the list"
    before = browser.load("/dashboard/upcoming?minute=2026-11-20T12:10:00Z")
    assert "Fri 20 Nov 2026 12:11:00" not in before.text, "what begins with the next minute belongs to that one"


def test_what_upcoming_runs_leave_out_is_said(browser: Browser, system: GivenSystem) -> None:
    paused = creating.create(LOCAL, system, new_job(schedules.Interval(every_seconds=600), title="Newsletter"))
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    lifecycle.pause(LOCAL, system, paused)
    page = browser.load("/dashboard/upcoming?app_name=app_a")
    assert "Not counted: paused jobs , and further polls of a job that polls" in page.text
    assert "Newsletter" not in page.links
    assert "frequent" not in page.text
    listed = browser.load(page.links["paused jobs"])
    assert "Newsletter" in listed.links
    empty = browser.load("/dashboard/upcoming?app_name=app_b")
    assert "Paused jobs are not counted." in empty.text


def test_another_day_is_a_click_away_though_a_job_runs_every_six_seconds(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    creating.create(LOCAL, system, new_job(schedules.Interval(every_seconds=6), title="Watch"))
    for title in ("Bank", "Stock"):
        creating.create(LOCAL, system, new_job(schedules.Cron("0 2 * * *", timezone="Europe/Berlin"), title=title))
    page = browser.load(browser.load("/dashboard/upcoming").links["tomorrow"])
    assert "about 14,402 runs tomorrow" in page.text
    assert "These run more often than every 5 min." in page.text
    assert "the list of one minute has them: Watch about 14,400 runs" in page.text
    assert "By minute, hour by hour 2 runs, without 1 frequent job" in page.text
    assert "Sat 21 Nov 2026 02:00:00 has 2 jobs , frequent ones not counted" in page.text
    assert "Sat 21 Nov 2026 02:01:00 is free, but for frequent jobs Bank , Stock" in page.text
    assert page.text.count("Watch") == 1, "the list is of the others"
    heat = [given for tag, given in page.elements if tag == "rect" and given["class"] == "heat"]
    assert len(heat) == 1
    assert "on 2026-11-22" in browser.submit(page.form("Go"), day="2026-11-22").text
    assert "Sun 22 Nov 2026 02:00:00 has 2 jobs" in browser.load("/dashboard/upcoming?day=2026-11-22").text
    assert "Bank" not in browser.load("/dashboard/upcoming?day=today").links
    for wrong in ("day=yesterday", "day=2026-11-19", "day=2036-01-01", "minute=x", "minute=9999-12-31T23:59:59Z"):
        assert browser.load(f"/dashboard/upcoming?{wrong}").status == 400, wrong


def test_an_app_and_everything_are_paused_and_resumed_and_every_page_says_so(
    browser: Browser, system: GivenSystem
) -> None:
    creating.create(LOCAL, system, new_job())
    page = browser.submit(browser.load("/dashboard/queues").form("Pause"), reason="It moves")
    assert "by somebody on this machine: “It moves”" in page.text
    assert "1 run waits" in page.text
    assert "paused app_a acc1" in page.text
    page = browser.submit(page.form("Resume"))
    page = browser.submit(page.form("Pause everything"), reason="A storm")
    banner = browser.load("/dashboard/jobs").text
    assert "Everything was paused now" in banner
    assert "by somebody on this machine: “A storm”" in banner
    assert installation_pause.current(LOCAL).paused_at is not None
    browser.submit(page.form("Resume everything"))
    assert "Everything was paused" not in browser.load("/dashboard/jobs").text
    [work] = claim(system)
    record(system, work, succeeded())


def test_workers_are_shown_with_what_they_hold(browser: Browser, system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(name="Export"))
    worker = workers.register(system)
    claim(system, worker=worker)
    page = browser.load("/dashboard/workers")
    assert "alive" in page.text
    assert "What runs now 1" in page.text
    assert "Export" in page.links
    system.clock.advance(system.settings.lease_seconds + 1)
    assert "silent" in browser.load("/dashboard/workers").text


def test_a_worker_is_drained_and_takes_runs_again_by_its_buttons(browser: Browser, system: GivenSystem) -> None:
    alive(system)
    page = browser.submit(browser.load("/dashboard/workers").form("Drain"), reason="The host goes")
    assert "The worker takes no more runs" in page.text
    assert "draining since now : drained" in page.text
    overview_page = browser.load("/dashboard/")
    assert "all that live are draining: nothing more is executed" in overview_page.text
    workers.register(system)
    assert "1 alive, 1 draining" in browser.load("/dashboard/").text
    page = browser.submit(browser.load("/dashboard/workers").form("Take runs again"))
    assert "The worker takes runs again" in page.text
    assert (
        "draining"
        not in browser.load("/dashboard/workers").html.partition('id="workers"')[2].partition("</section>")[0]
    )


def test_all_processes_tell_their_versions(browser: Browser, system: GivenSystem) -> None:
    alive(system)
    told = this_process.identity(ProcessKind.WEB, system.clock.now()).as_json()
    hear_of(system, told)
    hear_of(system, {**told, "id": str(uuid4()), "version": "0.0.9"})
    page = browser.load("/dashboard/workers")
    assert "Other processes" in page.text
    assert f"alive web {told['host']}" in page.text
    assert f"web 2 alive, in versions 0.0.9, {VERSION}" in browser.load("/dashboard/").text
