"""Each occurrence of a job that has come: what became of it, drawn and as JSON; a cell leads to the answer why."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest

from core.errors import NotFound
from core.past_occurrences import Became
from core.principals import LOCAL
from core.schedules import Cron
from core.states import RunStatus, Trigger
from models import runs
from models.tables import Run
from services.execution.work import Succeeded
from services.jobs import creating, requested_runs
from services.reading.occurrences import past_occurrences
from tests.factories import NOON, GivenSystem, claim, given_system, new_job, record, stored_job
from tests.integration.api.client import NO_JOB
from tests.integration.pages.browser import Browser

MINUTES = (
    (10, RunStatus.COMPLETED),
    (9, RunStatus.FAILED),
    (8, RunStatus.SKIPPED),
    (7, RunStatus.MISSED),
    (6, RunStatus.CANCELLED),
    (5, RunStatus.COMPLETED),  # late
    (4, RunStatus.QUEUED),
)
COMING = tuple((-minutes, RunStatus.PENDING) for minutes in range(1, 20))
BECAME = ["fired", "failed", "skipped", "missed", "cancelled", "late", "under_way"]


def history(system: GivenSystem) -> UUID:
    """A job whose occurrences went in every way, ten minutes ago to four; one comes, and one is too old."""
    job_id = creating.create(LOCAL, system, new_job(Cron("0 3 1 1 *")))
    with system.transaction():
        job, rows = stored_job(job_id), []
        for minutes, status in ((91 * 24 * 60, RunStatus.COMPLETED), *MINUTES, *COMING):
            at = NOON - timedelta(minutes=minutes)
            row = runs.draft(job, Trigger.SCHEDULE, at, at, due_at=at, status=status)
            is_over = status not in (RunStatus.QUEUED, RunStatus.PENDING)
            late_at = at if minutes == 5 else None
            missed = 3 if status is RunStatus.MISSED else 1
            rows.append({**row, "finished_at": at if is_over else None, "late_at": late_at, "occurrences": missed})
        runs.insert(rows)
    return job_id


@pytest.fixture(name="stored")
def system_on_each(store: str) -> GivenSystem:
    return given_system()


def test_each_that_has_come_is_told_newest_first(stored: GivenSystem) -> None:
    found = past_occurrences.newest(LOCAL, stored, history(stored), len(MINUTES) + 1)  # and not what is to come
    assert [one.became for one in reversed(found)] == BECAME
    assert [one.scheduled_for for one in reversed(found)] == [NOON - timedelta(minutes=ago) for ago, _ in MINUTES]
    assert {one.became: one.occurrences for one in found}[Became.MISSED] == 3
    with pytest.raises(NotFound):
        past_occurrences.newest(LOCAL, stored, UUID(NO_JOB), 100)


def test_one_that_was_repeated_is_told_once_as_its_repeat_went(stored: GivenSystem) -> None:
    job_id = history(stored)
    failed = Run.get(Run.job == job_id, Run.status == RunStatus.FAILED)
    manual = requested_runs.trigger(LOCAL, stored, job_id)
    for work in claim(stored, 9):
        record(stored, work, Succeeded(200, ""))
    repeat = requested_runs.replay(LOCAL, stored, failed.id)
    [work] = claim(stored)
    record(stored, work, Succeeded(200, ""))
    found = past_occurrences.newest(LOCAL, stored, job_id, 100)
    told = {one.scheduled_for: (one.became, one.run_id) for one in found}
    assert told[failed.scheduled_for] == (Became.FIRED, repeat.id)
    assert manual.id not in {one.run_id for one in found}
    assert len(found) == len(MINUTES)


def test_a_cell_leads_to_the_answer_why(browser: Browser, system: GivenSystem) -> None:
    job_id = history(system)
    browser.cookies["carillon_zone"] = "Asia/Kathmandu"
    page = browser.load(f"/dashboard/jobs/{job_id}")
    links = [given for tag, given in page.elements if tag == "a" and "#why" in str(given.get("href"))]
    cells = [str(given["href"]) for given in links if "aria-label" in given]
    assert len(cells) == len(MINUTES)
    assert "7 occurrences: 1 fired, 1 fired late, 1 failed, 1 skipped, 1 missed, 1 cancelled, 1 under way" in page.html
    assert "missed, the first of 3" in page.html
    answer = browser.load(cells[2].partition("#")[0])
    assert "Fri 20 Nov 2026 17:37:00" in answer.text
    assert "skipped" in answer.text.partition("17:37:00")[2]


def test_as_json(browser: Browser, system: GivenSystem) -> None:
    path = f"/api/jobs/{history(system)}/occurrences"
    found = browser.request("GET", path).json["results"]
    assert [one["became"] for one in reversed(found)] == BECAME
    assert found[0]["scheduled_for"] == "2026-11-20T11:56:00Z"
    assert browser.request("GET", f"{path}?limit=1001").status_code == 400
    assert browser.request("GET", f"/api/jobs/{NO_JOB}/occurrences").status_code == 404


def test_a_job_without_any_shows_none(browser: Browser, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("0 3 1 1 *")))
    assert "The newest occurrences" not in browser.load(f"/dashboard/jobs/{job_id}").text


def test_only_the_newest_runs_are_looked_through(stored: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = history(stored)
    monkeypatch.setattr("models.history.LOOKED_THROUGH", len(COMING) + 2)
    assert [one.became for one in reversed(past_occurrences.newest(LOCAL, stored, job_id, 100))] == BECAME[-2:]


@pytest.mark.parametrize(("figure", "marked"), [("days", {"failed", "missed"}), ("past", {"failed", "missed", "late"})])
def test_a_legend_has_the_marks_of_its_cells_for_those_who_cannot_tell_the_colours(
    browser: Browser, system: GivenSystem, figure: str, marked: set[str]
) -> None:
    page = browser.load(f"/dashboard/jobs/{history(system)}").html
    chart, _, legend = page.partition(f'id="{figure}"')[2].partition('<div class="legend">')
    told = marks(legend.partition("</div>")[0])
    assert marks(chart) <= told
    assert {kind for kind, mark in told if mark} == marked
    assert len({mark for _, mark in told if mark}) == len(marked), "or two kinds look alike"


def marks(html: str) -> set[tuple[str, str]]:
    """The kinds of cells that are drawn, each with its mark."""
    cells = r'<rect class="c-(\w+)[^"]*"[^>]*?(?:/>|>.*?</rect>)(?:<path class="cross" d="([^"]+)">)?'
    return set(re.findall(cells, html))
