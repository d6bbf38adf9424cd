"""The page of a job: its schedule in words, its runs, and what its buttons do."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from core import schedules
from core.auditing import AuditFilter
from core.principals import LOCAL
from core.receiver_answers import PollAnswer
from services.access import audit
from services.execution.work import Succeeded
from services.jobs import creating, lifecycle, requested_runs
from services.reading import records
from tests.factories import GivenSystem, claim, new_job, polled, record, refused, runs_of, succeeded
from tests.integration.api.client import NO_JOB
from tests.integration.execution.attempting import make_due_again
from tests.integration.pages.browser import Browser, Page
from tests.integration.reading.explaining.test_explanations import come

WEEKDAYS = schedules.Cron("0 9 * * mon-fri", timezone="America/New_York")


def made(system: GivenSystem, schedule: schedules.Schedule | None = None) -> UUID:
    return creating.create(LOCAL, system, new_job(schedule, name="Digest"))


def page_of(browser: Browser, job_id: UUID, query: str = "") -> Page:
    return browser.load(f"/dashboard/jobs/{job_id}{query}")


def status(job_id: UUID) -> str:
    return records.job(LOCAL, job_id).status


def test_the_schedule_is_a_sentence_with_the_next_ten_instants(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "America/New_York"
    page = page_of(browser, made(system, WEEKDAYS))
    assert "America/New_York; next in 2 h" in page.text
    times = [given["datetime"] for tag, given in page.elements if tag == "time"]
    assert "2026-11-20T14:00:00Z" in times
    assert sum("T14:00:00Z" in str(one) for one in times) >= 10


def test_a_change_of_the_clocks_is_marked_where_it_comes(browser: Browser, system: GivenSystem) -> None:
    system.clock.set(datetime(2026, 10, 29, 12, tzinfo=UTC))
    page = page_of(browser, made(system, WEEKDAYS))
    assert page.text.count("clocks back before it") == 1


def test_a_job_is_paused_resumed_and_cancelled_by_its_buttons(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, WEEKDAYS)
    page = browser.submit(page_of(browser, job_id).form("Pause"))
    assert "Paused: nothing starts until it is resumed." in page.text
    assert status(job_id) == "paused"
    page = browser.submit(page.form("Resume"))
    assert status(job_id) == "pending"
    page = browser.submit(page.form("Cancel"))
    assert status(job_id) == "cancelled"
    assert not page.has_button("Pause")
    assert not page.has_button("Run now")


def test_a_paused_job_shows_who_paused_it_when_and_why(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, WEEKDAYS)
    form = page_of(browser, job_id).form("Pause")
    assert browser.send(form, reason="x" * 501).status_code == 400
    page = browser.submit(form, reason="<b>The receiver</b> is being moved")
    assert "by somebody on this machine: “<b>The receiver</b> is being moved”" in page.text
    page = browser.submit(page.form("Resume"))
    assert "is being moved”" not in page.text


def test_a_pause_that_carillon_made_is_not_laid_to_who_paused_the_job_before(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system, WEEKDAYS)
    lifecycle.pause(LOCAL, system, job_id, reason="Lunch")
    lifecycle.resume(LOCAL, system, job_id)
    requested_runs.trigger(LOCAL, system, job_id)
    [work] = claim(system)
    record(system, work, refused(410))
    assert status(job_id) == "paused"
    assert "“Lunch”" not in page_of(browser, job_id).text


def test_why_a_job_is_cancelled_or_deleted_is_kept_in_the_audit_log(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, WEEKDAYS)
    page = browser.submit(page_of(browser, job_id).form("Cancel"), reason="Nobody reads it")
    browser.submit(page.form("Delete"), reason="")
    entries, _ = audit.listed(LOCAL, AuditFilter(thing_id=str(job_id)), None, 10)
    assert [(one.action, one.reason) for one in entries] == [
        ("job.deleted", None),
        ("job.cancelled", "Nobody reads it"),
    ]


def test_a_button_that_is_pressed_twice_makes_one_run(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, WEEKDAYS)
    form = page_of(browser, job_id).form("Run now")
    first, second = browser.send(form), browser.send(form)
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert [run.trigger for run in runs_of(job_id)].count("manual") == 1
    again = browser.send(page_of(browser, job_id).form("Run now"))
    assert again.headers["Location"] != first.headers["Location"]


def test_a_run_with_other_data_has_it_and_data_that_is_no_json_is_refused(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system, WEEKDAYS)
    form = page_of(browser, job_id).form("Run with this")
    assert '"some_key": "some_value"' in form.fields["data"]
    for wrong, word in (("{", "JSON"), ("[1]", "must be a JSON object")):
        page = browser.submit(form, data=wrong)
        assert page.status == 400
        assert word in page.text
    page = browser.submit(form, data='{"some_key": "<b>other</b>"}')
    assert "A run was created." in page.text
    assert runs_of(job_id)[-1].data == {"some_key": "<b>other</b>"}


def test_a_failed_job_is_retried_and_an_ended_one_has_no_button_that_would_be_refused(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system)
    form = page_of(browser, job_id).form("Pause")
    [work] = claim(system)
    record(system, work, refused(422))
    refusal = browser.submit(form)
    assert refusal.status == 409
    assert "It cannot be done now" in refusal.text
    page = page_of(browser, job_id)
    assert "The receiver will not have it." in page.text
    assert "A new run replays the one that failed." in browser.submit(page.form("Replay")).text
    assert status(job_id) == "queued"


def test_a_deleted_job_is_gone_from_its_page(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system)
    page = browser.submit(page_of(browser, job_id).form("Delete"))
    assert "Deleted." in page.text
    assert page_of(browser, job_id).status == 404


def test_why_it_did_not_run_is_answered_on_the_readers_clocks(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    job_id = made(system, WEEKDAYS)
    page = browser.submit(page_of(browser, job_id).form("Ask"), at="2026-11-20T12:30:00", clock="mine")
    assert "The schedule names no occurrence at that instant" in page.text
    assert "Fri 20 Nov 2026 12:30:00" in page.text
    assert page_of(browser, job_id, "?at=yesterday").status == 400


def test_an_instant_is_asked_about_on_the_clocks_of_the_schedule_where_they_differ(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system, schedules.Cron("0 8 * * *", timezone="America/New_York"))
    page = page_of(browser, job_id)
    assert "UTC America/New_York Fri 20 Nov 2026 13:00:00 Fri 20 Nov 2026 08:00:00" in page.text
    page = browser.submit(page.form("Ask"), at="2026-11-21T08:00:00")
    assert "Sat 21 Nov 2026 13:00:00 (Sat 21 Nov 2026 08:00:00 America/New_York) It has not come yet" in page.text
    assert page.form("Ask").fields["at"] == "2026-11-21T08:00:00", "what was asked stays"
    page = browser.submit(page.form("Ask"), at="2026-11-21T08:00:00", clock="mine")
    assert "names no occurrence" in page.text
    assert page.form("Ask").fields["clock"] == "mine"
    assert page.links["The one after"] == f"/dashboard/jobs/{job_id}?at=2026-11-21T13:00:00Z#why"
    assert "It has not come yet" in browser.load(page.links["The one after"]).text


def test_runs_name_their_instant_on_the_clocks_of_the_schedule_where_they_differ(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system, schedules.Cron("1 7 * * *", timezone="America/New_York"))
    come(system, 60)
    run = runs_of(job_id)[0]
    both = "Fri 20 Nov 2026 12:01:00 (Fri 20 Nov 2026 07:01:00 America/New_York)"
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert f"for {both}" in page.text
    assert "What happened, on the clocks of UTC" in page.text
    assert "Run, UTC" in page_of(browser, job_id).text
    assert "Fri 20 Nov 2026 07:01:00 America/New_York" in page_of(browser, job_id).text
    browser.cookies["carillon_zone"] = "America/New_York"
    assert "for Fri 20 Nov 2026 07:01:00 \u00b7" in browser.load(f"/dashboard/runs/{run.id}").text
    assert "Times: America/New_York" in page_of(browser, job_id).text


def test_a_run_that_was_skipped_leads_to_why_and_to_the_run_in_its_way(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, schedules.Cron("* * * * *"))
    come(system, 60)
    claim(system)
    come(system, 60)
    going, skipped = (f"/dashboard/runs/{run.id}" for run in runs_of(job_id)[:2])
    page = page_of(browser, job_id)
    assert page.form("Ask").fields["at"] == "2026-11-20T12:02:00"
    page = browser.load(page.links["Why?"])
    assert "It was skipped" in page.text
    assert page.links["The run"] == skipped
    assert page.links[going.rpartition("/")[2]] == going
    assert browser.load(skipped).links[going.rpartition("/")[2]] == going


def test_a_polling_job_shows_its_newest_state_and_the_run_from_which_its_next_instant_follows(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system, schedules.Polling(interval_seconds=30))
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert page.links["the run that is queued"].startswith("/dashboard/runs/")
    [work] = claim(system)
    record(system, work, polled({"row": 500}))
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "Newest state" in page.text
    assert [given for tag, given in page.elements if tag == "details" and given.get("id") == "states"] == [
        {"id": "states"}
    ]


def test_a_polling_job_shows_how_far_it_is_and_goes_back_to_an_earlier_state(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system, schedules.Polling(interval_seconds=30))
    for row in (500, 1000):
        [work] = claim(system)
        record(system, work, polled({"row": row}))
        make_due_again(system, runs_of(job_id)[-1].id)
    page = page_of(browser, job_id)
    assert "2 polls" in page.text
    assert '"row": 1000' in page.text
    [back, *_] = [form for form in page.forms if "Go on from this one" in form.buttons]
    assert "Polling goes on from that state." in browser.submit(back).text
    assert records.job(LOCAL, job_id).polling_state == {"row": 500}


def test_what_can_be_clicked_can_be_done_from_a_shell(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, WEEKDAYS)
    assert f"curl -s http://127.0.0.1:8000/api/jobs/{job_id}/pause -X POST" in page_of(browser, job_id).text


def test_runs_that_have_not_come_are_no_runs_yet_and_older_ones_are_a_click_away(
    browser: Browser, system: GivenSystem
) -> None:
    job_id = made(system, WEEKDAYS)
    assert "It has not run yet" in page_of(browser, job_id).text
    for _ in range(21):
        browser.send(page_of(browser, job_id).form("Run now"))
        [work] = claim(system)
        record(system, work, succeeded())
    page = page_of(browser, job_id)
    assert "Runs 21" in page.text
    older = browser.load(page.links["Older"])
    assert len([one for one in older.elements if str(one[1].get("id")).startswith("run-")]) == 1


def test_a_job_that_is_not_there_is_not_found(browser: Browser) -> None:
    page = browser.load(f"/dashboard/jobs/{NO_JOB}")
    assert page.status == 404
    assert f"There is no job {NO_JOB}." in page.text


def test_a_polling_job_says_when_it_is_done_at_the_pace_of_its_progress(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, schedules.Polling(interval_seconds=60))
    for percent in (10, 20, 30):
        [work] = claim(system)
        answer = PollAnswer(None, done=False, next_in_seconds=None, progress=percent / 100, message=None)
        record(system, work, Succeeded(200, "{}", answer))
        assert ("At this pace" in page_of(browser, job_id).text) is (percent == 30)
        come(system, 60)
    assert "30%. At this pace it is done about Fri 20 Nov 2026 12:09:00" in page_of(browser, job_id).text
    lifecycle.pause(LOCAL, system, job_id)
    assert "At this pace" not in page_of(browser, job_id).text
