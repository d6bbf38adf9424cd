"""Changing a job by a form: what is typed differently changes, to the letter nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import schedules
from core.policies import Overlap
from core.principals import LOCAL
from core.version import VERSION
from services.jobs import creating
from services.reading import records
from tests.factories import NOON, GivenSystem, new_job, runs_of
from tests.integration.pages.browser import Browser, Page

CHANGE = "Change the job"
CRON = schedules.Cron("0 9 * * mon-fri", timezone="Europe/Berlin")


def made(system: GivenSystem, schedule: schedules.Schedule = CRON, **fields: Any) -> UUID:
    return creating.create(LOCAL, system, new_job(schedule, **fields))


def form_of(browser: Browser, job_id: UUID) -> Page:
    return browser.load(f"/dashboard/jobs/{job_id}/edit")


EXACT = NOON + timedelta(hours=1, microseconds=123_456)


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.Cron("0 9 * * *", timezone="Europe/Berlin", starts_at=EXACT, jitter_seconds=2.5),
        schedules.RunAt(EXACT),
        schedules.Interval(every_seconds=60, max_runs=3),
        schedules.Polling(interval_seconds=30),
    ],
)
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(
    browser: Browser, system: GivenSystem, schedule: schedules.Schedule
) -> None:
    browser.cookies["carillon_zone"] = "America/New_York"
    whole = {"metadata": {"a": [1]}, "data": {"text": " two\r\nlines ", "n": 1.0}, "tags": ("b", "a"), "user_id": 17}
    job_id = made(system, schedule, **whole)
    before = records.job(LOCAL, job_id)
    shown = form_of(browser, job_id)
    assert f"Carillon {VERSION}" in shown.text, "not that of the job"
    page = browser.submit(shown.form(CHANGE))
    assert "Changed." in page.text
    assert vars(records.job(LOCAL, job_id)) == vars(before)


def test_what_is_typed_replaces_what_was_there_and_what_is_emptied_goes(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, name="Digest", data={"to": "all", "cc": "some"}, priority=7, max_retries=4)
    typed = {
        "schedule.cron.expression": "30 10 * * *",
        "data": '{"to": "none"}',
        "max_retries": "",
        "tags": "mail\r\nnightly",
        "reason": "Too early",
    }
    page = browser.submit(form_of(browser, job_id).form(CHANGE), **typed)
    assert "Changed." in page.text
    assert "Too early" in page.text
    job = records.job(LOCAL, job_id)
    assert job.schedule == schedules.Cron("30 10 * * *", timezone="Europe/Berlin")
    assert (job.data, job.tags, job.max_retries) == ({"to": "none"}, ("mail", "nightly"), None)
    assert (job.name, job.priority, job.version) == ("Digest", 7, 2)


def test_an_instant_is_read_on_the_clocks_that_are_chosen_with_it(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, schedules.RunAt(NOON + timedelta(days=1)))
    form = form_of(browser, job_id).form(CHANGE)
    assert form.fields["schedule.run_at.timestamp"] == "2026-11-21T12:00:00"
    browser.submit(form, **{"schedule.run_at.timezone": "Asia/Tokyo"})
    schedule = records.job(LOCAL, job_id).schedule
    assert schedule == schedules.RunAt(NOON + timedelta(hours=24 - 9))


def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system)
    refused = browser.submit(form_of(browser, job_id).form(CHANGE), priority="eleven", data="{")
    assert refused.status == 400
    assert "error-data" in {given.get("id") for _, given in refused.elements}
    refused = browser.submit(refused.form(CHANGE), data="", **{"schedule.cron.expression": "0 25 * * *"})
    assert refused.status == 400
    ids = {given.get("id") for _, given in refused.elements}
    assert {"error-priority", "error-schedule.cron.expression"} <= ids
    assert refused.form(CHANGE).fields["priority"] == "eleven"
    assert records.job(LOCAL, job_id).version == 1


def test_a_job_that_another_has_changed_meanwhile_is_not_overwritten(browser: Browser, system: GivenSystem) -> None:
    job_id = made(system, priority=3)
    form = form_of(browser, job_id).form(CHANGE)
    changed = form_of(browser, job_id).form(CHANGE)
    browser.submit(changed, priority="8")
    refused = browser.submit(form, priority="1")
    assert refused.status == 412
    assert "not in the one that" in refused.text
    assert records.job(LOCAL, job_id).priority == 8


def test_a_past_span_is_tried_first_and_then_run(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"  # an hour ahead of UTC
    job_id = made(system, schedules.Cron("0 * * * *"), overlap=Overlap.ALLOW)
    page = browser.load(browser.load(f"/dashboard/jobs/{job_id}").links["Backfill…"])
    dry_run = browser.submit(page.form("Try"), **{"from": "2026-11-20T09:00", "to": "2026-11-20T12:00"})
    assert "The schedule names 3 occurrences there" in dry_run.text
    assert triggers(job_id) == set()
    done = browser.submit(dry_run.form("Run 3 now"))
    assert "Runs were made for the occurrences of that span." in done.text
    assert triggers(job_id) == {"backfill"}
    again = browser.submit(page.form("Try"), **{"from": "2026-11-20T09:00", "to": "2026-11-20T12:00"})
    assert "0 would run now" in again.text


def test_a_span_that_is_none_is_asked_for_again(browser: Browser, system: GivenSystem) -> None:
    page = browser.load(f"/dashboard/jobs/{made(system)}/backfill")
    wrong = browser.submit(page.form("Try"), **{"from": "2026-11-20T09:00", "to": "2026-11-20T08:00"})
    assert "to must be later than from." in wrong.text
    assert wrong.form("Try").fields["from"] == "2026-11-20T09:00"


def triggers(job_id: UUID) -> set[str]:
    return {run.trigger for run in runs_of(job_id)}
