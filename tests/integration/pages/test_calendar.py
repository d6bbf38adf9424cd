"""The calendar of a job: each day on the reader's clocks, drawn and as JSON; a day leads to its runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.policies import CatchUp
from core.principals import LOCAL
from core.schedules import Cron, Schedule
from core.states import RunStatus, Trigger
from models import runs
from models.tables import Job, Run
from services.execution.work import Succeeded
from services.jobs import creating, definition, editing, requested_runs
from services.reading.occurrences import calendar, missed_ranges
from services.reading.views import JobView
from services.scheduling import planning
from tests.factories import NOON, GivenSystem, claim, given_system, new_job, record, runs_of, stored_job
from tests.integration.api.client import NO_JOB
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.conftest import site

UTC = ZoneInfo("UTC")


def history(system: GivenSystem, *ended: tuple[float, RunStatus, int]) -> str:
    """The id of a job that had runs so many hours ago, which ended so and stand for so many occurrences."""
    job_id = creating.create(LOCAL, system, new_job(Cron("0 3 1 1 *")))
    with system.transaction():
        job = stored_job(job_id)
        rows = []
        for hours, status, occurrences in ended:
            at = NOON - timedelta(hours=hours)
            row = runs.draft(job, Trigger.SCHEDULE, at, at, due_at=at, status=status)
            rows.append({**row, "finished_at": at, "occurrences": occurrences})
        runs.insert(rows)
    return str(job_id)


def days_of(page: Page) -> list[str]:
    """The links of the days on which something ended."""
    links = [str(given.get("href")) for _, given in page.elements]
    return [link for link in links if "scheduled_from" in link]


@pytest.fixture(name="stored")
def system_on_each(store: str) -> GivenSystem:
    return given_system()


def test_days_are_those_of_a_zone_and_count_what_happened(stored: GivenSystem) -> None:
    job_id = history(
        stored,
        (1, RunStatus.COMPLETED, 1),
        (1.001, RunStatus.FAILED, 1),
        (18.3, RunStatus.MISSED, 7),  # 17:42 in London, 23:27 in Nepal
        (18.2, RunStatus.SKIPPED, 1),
        (17.6, RunStatus.CANCELLED, 1),  # 18:24, and 00:09 of the next day
        (24 * 100, RunStatus.COMPLETED, 1),
    )
    days = calendar.of_job(LOCAL, stored, UUID(job_id), ZoneInfo("Asia/Kathmandu"))
    assert (len(days), days[-1].day, days[0].day) == (90, date(2026, 11, 20), date(2026, 8, 23))
    today, yesterday = days[-1], days[-2]
    assert (today.completed, today.failed, today.cancelled, today.missed) == (1, 1, 1, 0)
    assert (yesterday.missed, yesterday.skipped, yesterday.completed) == (7, 1, 0)
    assert (today.end - today.start) == timedelta(days=1)
    assert sum(one.completed or 0 for one in days) == 1


def test_a_day_leads_to_its_runs(browser: Browser, system: GivenSystem) -> None:
    job_id = history(system, (1, RunStatus.FAILED, 1), (30, RunStatus.COMPLETED, 1))
    page = browser.load(f"/dashboard/jobs/{job_id}")
    cells = [
        str(given["href"]) for tag, given in page.elements if tag == "a" and "scheduled_from" in str(given.get("href"))
    ]
    assert len(cells) == 2
    listed = browser.load(cells[-1])
    assert "1 run that fit" in listed.text
    assert "failed" in listed.text
    assert "90 days: 1 completed, 1 failed, 0 missed or skipped" in page.html


def test_a_day_leads_to_runs_that_were_retried_on_another(browser: Browser, system: GivenSystem) -> None:
    job_id = history(system, (24 * 5, RunStatus.FAILED, 1))
    with system.transaction():
        Run.update(due_at=NOON, finished_at=NOON).where(Run.job == job_id).execute()
    page = browser.load(f"/dashboard/jobs/{job_id}")
    [day] = [
        str(given["href"]) for tag, given in page.elements if tag == "a" and "scheduled_" in str(given.get("href"))
    ]
    assert "1 run that fit" in browser.load(day).text


def test_a_run_that_was_replayed_counts_as_its_replay(stored: GivenSystem) -> None:
    job_id = UUID(history(stored, (1, RunStatus.FAILED, 1), (2, RunStatus.FAILED, 1)))
    replayed = runs_of(job_id)[0].id
    requested_runs.replay(LOCAL, stored, replayed)
    [work] = claim(stored)
    assert calendar.of_job(LOCAL, stored, job_id, UTC)[-1].failed == 2, "until the replay has ended"
    record(stored, work, Succeeded(200, ""))
    today = calendar.of_job(LOCAL, stored, job_id, UTC)[-1]
    assert (today.completed, today.failed) == (1, 1)


def test_days_whose_runs_were_not_read_or_kept_are_not_known(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = history(system, (24 * 5, RunStatus.COMPLETED, 1), (30, RunStatus.COMPLETED, 1), (1, RunStatus.FAILED, 1))
    with system.transaction():
        Job.update(created_at=NOON - timedelta(days=40)).where(Job.id == job_id).execute()

    def unknown() -> list[int]:
        days = calendar.of_job(LOCAL, system, UUID(job_id), UTC)
        return [back for back, one in enumerate(reversed(days)) if not one.is_known]

    assert unknown() == list(range(30, 41)), "pruned after 30 days; before it was made, nothing ran"
    monkeypatch.setattr(calendar, "MAX_READ", 2)
    assert unknown() == list(range(2, 41))
    path = f"/api/jobs/{job_id}/calendar?days=3"
    assert [one["failed"] for one in browser.request("GET", path).json["results"]] == [None, 0, 1]
    page = browser.load(f"/dashboard/jobs/{job_id}").html
    assert "Sun 15 Nov: not known" in page
    assert "; 39 not known" in page


def test_a_day_whose_runs_were_read_or_kept_in_part_says_so(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = history(
        system,
        (24 * 30 + 1, RunStatus.COMPLETED, 1),  # on the day at whose noon pruning has arrived
        (26, RunStatus.FAILED, 1),
        (25, RunStatus.COMPLETED, 1),
        (1, RunStatus.COMPLETED, 1),
    )
    with system.transaction():
        Job.update(created_at=NOON - timedelta(days=40)).where(Job.id == job_id).execute()

    def partial() -> list[int]:
        days = calendar.of_job(LOCAL, system, UUID(job_id), UTC)
        return [back for back, one in enumerate(reversed(days)) if one.is_partial and one.is_known]

    assert partial() == [30]
    monkeypatch.setattr(calendar, "MAX_READ", 2)
    assert partial() == [1]
    shown = browser.request("GET", f"/api/jobs/{job_id}/calendar?days=2").json["results"]
    assert [(one["completed"], one["failed"], one["is_partial"]) for one in shown] == [(1, 0, True), (1, 0, False)]
    page = browser.load(f"/dashboard/jobs/{job_id}").html
    assert "1 completed, and runs that were not read or are no longer kept" in page
    assert "; 1 known in part" in page


def missed_for(system: GivenSystem, schedule: Schedule, span: timedelta) -> UUID:
    """The id of a job that was made so long before noon, and for which no coordinator was at work since."""
    system.clock.set(NOON - span)
    job_id = creating.create(LOCAL, system, new_job(schedule, catch_up=CatchUp.SKIP))
    system.clock.set(NOON)
    while planning.plan(system):
        pass
    return job_id


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_a_row_for_many_missed_occurrences_is_spread_over_their_days(stored: GivenSystem, zone: str) -> None:
    job_id = missed_for(stored, Cron("*/2 * * * *"), timedelta(days=3))
    assert len([run for run in runs_of(job_id) if run.occurrences > 1]) == 1
    in_time = {run.scheduled_for for run in runs_of(job_id) if run.status is RunStatus.PENDING}
    named = {NOON - timedelta(minutes=2 * number) for number in range(3 * 720)}
    expected = Counter(instant.astimezone(ZoneInfo(zone)).date() for instant in named - in_time)
    days = calendar.of_job(LOCAL, stored, job_id, ZoneInfo(zone))
    assert {one.day: one.missed for one in days if one.missed} == expected
    assert not any(one.is_partial for one in days)


def test_days_before_the_missed_occurrences_that_are_counted_are_known_in_part(
    stored: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST", 1_500)
    monkeypatch.setattr(missed_ranges, "MAX_SPREAD", 2_000)
    job_id = missed_for(stored, Cron("*/2 * * * *"), timedelta(days=5))
    days = calendar.of_job(LOCAL, stored, job_id, UTC)[-6:]
    assert [one.is_partial for one in days] == [True, True, True, False, False, False]
    assert days[3].missed == 720


def test_missed_occurrences_are_spread_by_the_schedule_of_their_time(stored: GivenSystem) -> None:
    job_id = missed_for(stored, Cron("*/2 * * * *"), timedelta(days=3))
    before = calendar.of_job(LOCAL, stored, job_id, UTC)

    def amend(view: JobView) -> definition.Definition:
        return replace(definition.of(stored_job(job_id), view.tags), schedule=Cron("0 3 1 1 *"))

    stored.clock.advance(1)
    editing.edit(LOCAL, stored, job_id, amend)
    assert calendar.of_job(LOCAL, stored, job_id, UTC) == before


def test_the_day_on_which_a_job_was_made_is_whole_if_nothing_of_it_is_lacking(system: GivenSystem) -> None:
    job_id = history(system, (24 * 30 - 2, RunStatus.COMPLETED, 1))
    for hours, is_partial in ((1, False), (-1, True)):  # after the instant up to which runs are pruned, and before
        created_at = NOON - timedelta(days=30) + timedelta(hours=hours)
        with system.transaction():
            Job.update(created_at=created_at).where(Job.id == job_id).execute()
        day = calendar.of_job(LOCAL, system, UUID(job_id), UTC)[-31]
        assert (day.completed, day.is_partial) == (1, is_partial)


def test_the_api_shows_the_same_and_refuses_what_is_no_zone(browser: Browser, system: GivenSystem) -> None:
    job_id = history(system, (1, RunStatus.FAILED, 1))
    path = f"/api/jobs/{job_id}/calendar"
    found = browser.request("GET", f"{path}?days=2&timezone=Europe/Berlin").json["results"]
    assert [(one["day"], one["failed"]) for one in found] == [("2026-11-19", 0), ("2026-11-20", 1)]
    assert found[1]["start"] == "2026-11-19T23:00:00Z"
    for query in ("days=0", "days=91", "timezone=Nowhere", "odd=1"):
        assert browser.request("GET", f"{path}?{query}").status_code == 400
    assert Browser(site(system)).request("GET", f"/api/jobs/{NO_JOB}/calendar").status_code == 404
