"""The overview says which jobs are paused, and which skipped or missed occurrences; each line leads to their list."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from core.principals import LOCAL, Principal, PrincipalKind
from core.schedules import Cron
from core.states import RunStatus, Trigger
from models import runs
from services.jobs import creating, lifecycle
from services.reading.occurrences import not_fired
from tests.factories import NOON, GivenSystem, given_system, new_job, stored_job
from tests.integration.pages.browser import Browser
from tests.integration.pages.states import alive

SKIPPED, MISSED = RunStatus.SKIPPED, RunStatus.MISSED
SOMEBODY = Principal(PrincipalKind.USER, uuid4(), "ada")


def history(system: GivenSystem, name: str, *ended: tuple[float, RunStatus, int]) -> None:
    """A job whose occurrences ended so many hours ago, each row standing for so many of them."""
    job_id = creating.create(LOCAL, system, new_job(Cron("0 3 1 1 *"), name=name))
    with system.transaction():
        job, rows = stored_job(job_id), []
        for hours, status, occurrences in ended:
            at = NOON - timedelta(hours=hours)
            row = runs.draft(job, Trigger.SCHEDULE, at, at, due_at=at, status=status)
            rows.append({**row, "finished_at": at, "occurrences": occurrences})
        runs.insert(rows)


@pytest.fixture(name="stored")
def system_on_each(store: str) -> GivenSystem:
    return given_system()


def test_jobs_that_are_paused_are_counted_though_all_is_well(browser: Browser, system: GivenSystem) -> None:
    alive(system)
    assert "paused" not in browser.load("/dashboard/").text
    for name in ("a", "b"):
        lifecycle.pause(LOCAL, system, creating.create(LOCAL, system, new_job(Cron("0 3 1 1 *"), name=name)))
    creating.create(LOCAL, system, new_job(Cron("0 3 1 1 *"), name="c"))
    system.clock.advance(5)
    page = browser.load("/dashboard/")
    assert "All is well." in page.text
    assert "2 jobs are paused." in page.text
    listed = browser.load(page.links["Paused jobs"])
    assert {"a", "b"} == {"a", "b", "c"} & listed.links.keys()


def test_jobs_that_missed_occurrences_are_named_and_those_that_skipped_some(
    browser: Browser, system: GivenSystem
) -> None:
    alive(system)
    history(system, "nightly", (9, MISSED, 3), (8, MISSED, 1))
    history(system, "minutely", (1, SKIPPED, 1), (2, SKIPPED, 1), (100, SKIPPED, 1))
    history(system, "weekly", (100, MISSED, 1))
    page = browser.load("/dashboard/")
    assert "1 job missed occurrences in the last 24 hours: nightly (4)." in page.text
    assert "1 job skipped occurrences in the last 24 hours: minutely (2)." in page.text
    assert "All is well" not in page.text, "what was missed should have run"
    listed = browser.load(page.links["What was missed"])
    assert "2 runs that fit" in listed.text
    assert {"nightly"} == {"nightly", "minutely", "weekly"} & listed.links.keys()
    assert "2 runs that fit" in browser.load(page.links["What was skipped"]).text
    week = browser.load("/dashboard/?range=7d").text
    assert "2 jobs missed occurrences in the last 7 days: nightly (4), weekly (1)." in week
    assert "1 job skipped occurrences in the last 7 days: minutely (3)." in week


def test_what_was_only_skipped_leaves_all_well(browser: Browser, system: GivenSystem) -> None:
    alive(system)
    history(system, "minutely", (1, SKIPPED, 1))
    shown = browser.load("/dashboard/").text
    assert "All is well." in shown
    assert "minutely (1)" in shown


def test_only_what_a_reader_may_see_is_told(stored: GivenSystem) -> None:
    history(stored, "nightly", (1, MISSED, 3), (2, SKIPPED, 1))
    found = not_fired.lately(LOCAL, stored, 1_440)
    assert [(one.job_name, one.status, one.runs, one.occurrences) for one in found.jobs] == [
        ("nightly", MISSED, 1, 3),
        ("nightly", SKIPPED, 1, 1),
    ]
    assert not_fired.lately(SOMEBODY, stored, 1_440).jobs == []
    assert not_fired.lately(LOCAL, stored, 30).jobs == []


def test_of_many_the_newest_are_counted_and_the_line_says_at_least(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(not_fired, "MAX_READ", 1)
    history(system, "nightly", (9, MISSED, 1), (8, MISSED, 1), (7, MISSED, 1))
    assert "At least 1 job missed occurrences in the last 24 hours: nightly (2)." in browser.load("/dashboard/").text
