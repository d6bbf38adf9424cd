"""Whether a backfill made up for an occurrence that did not run: the answer and the page say so."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.states import Trigger
from models.tables import Run
from services.jobs import backfill, lifecycle
from tests.factories import NOON, GivenSystem, claim_one, given_system, record, refused, runs_of, succeeded
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.reading.explaining.explained import come, minutely, why

INVITES, LINK = "A backfill can make up for it.", "Backfill this occurrence…"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


def skipped(system: GivenSystem) -> UUID:
    """A job whose occurrence at noon was skipped, as it was paused."""
    job_id = minutely(system, paused=True)
    come(system, 0)
    system.clock.advance(30)
    lifecycle.resume(LOCAL, system, job_id)
    return job_id


def backfilled(system: GivenSystem, job_id: UUID) -> Run:
    backfill.backfill(LOCAL, system, job_id, NOON, NOON + timedelta(seconds=1))
    return next(run for run in runs_of(job_id) if run.trigger == Trigger.BACKFILL)


def page_of(system: GivenSystem, job_id: UUID) -> str:
    return Browser(site(system)).load(f"/dashboard/jobs/{job_id}?at=2026-11-20T12:00:00Z").text


def test_one_that_nothing_made_up_for_leads_to_the_form_with_its_span(system: GivenSystem) -> None:
    job_id = skipped(system)
    assert INVITES in why(system, job_id, NOON).answer
    browser = Browser(site(system))
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    page = browser.load(f"/dashboard/jobs/{job_id}?at=2026-11-20T12:00:00Z")
    form = browser.load(page.links[LINK])
    assert "names 1 occurrence there" in form.text
    assert form.form("Try").fields["from"] == "2026-11-20T13:00:00"
    browser.submit(form.form("Run 1 now"))
    assert [run.scheduled_for for run in runs_of(job_id) if run.trigger == Trigger.BACKFILL] == [NOON]


def test_a_backfill_under_way_is_told_instead(system: GivenSystem) -> None:
    job_id = skipped(system)
    made = backfilled(system, job_id)
    found = why(system, job_id, NOON)
    assert found.backfilled_by == made.id
    assert f"A backfill of it is under way: the run {made.id}." in found.answer
    assert INVITES not in found.answer
    assert LINK not in page_of(system, job_id)


def test_a_backfill_that_is_done_made_up_for_it(system: GivenSystem) -> None:
    job_id = skipped(system)
    made = backfilled(system, job_id)
    record(system, claim_one(system), succeeded())
    assert f"A backfill made up for it: the run {made.id} completed." in why(system, job_id, NOON).answer
    assert LINK not in page_of(system, job_id)


def test_a_backfill_that_failed_did_not(system: GivenSystem) -> None:
    job_id = skipped(system)
    made = backfilled(system, job_id)
    record(system, claim_one(system), refused())
    assert f"did not make up for it: the run {made.id} is failed." in why(system, job_id, NOON).answer


def test_an_occurrence_that_ran_needs_none(system: GivenSystem) -> None:
    job_id = minutely(system)
    come(system, 0)
    record(system, claim_one(system), succeeded())
    assert why(system, job_id, NOON).backfilled_by is None
    assert LINK not in page_of(system, job_id)


def test_the_span_of_a_backfill_stands_in_the_log_on_the_readers_clocks(system: GivenSystem) -> None:
    job_id = skipped(system)
    backfilled(system, job_id)
    browser = Browser(site(system))
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert "from: Fri 20 Nov 2026 13:00:00" in page.text
    assert "+00:00" not in page.text
