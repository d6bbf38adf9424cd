"""The minutes of a day that comes: each count says what it counts, and what it leaves out."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Interval
from pages.resources import upcoming
from services.jobs import creating
from tests.factories import GivenSystem, new_job
from tests.integration.pages.browser import Browser

AT_TWO = "/dashboard/upcoming?minute=2026-11-21T02:00:00Z"


def labels(browser: Browser) -> list[str]:
    found = [str(given.get("aria-label")) for _, given in browser.load("/dashboard/upcoming").elements]
    return [one for one in found if one.startswith("02:00")]


def test_a_minute_tells_how_many_of_its_runs_the_chart_leaves_out(browser: Browser, system: GivenSystem) -> None:
    for title in ("Bank", "Stock"):
        creating.create(LOCAL, system, new_job(Cron("0 2 * * *"), title=title))
    assert "02:00:00 2 runs the whole day" in browser.load(AT_TWO).text
    assert labels(browser) == ["02:00: 2 runs"]
    creating.create(LOCAL, system, new_job(Interval(every_seconds=20), title="Watch"))
    assert "02:00:00 5 runs, 3 of them of frequent jobs, which the chart does not count" in browser.load(AT_TWO).text
    assert labels(browser) == ["02:00: 2 runs, without frequent jobs"]


def test_of_a_full_minute_the_first_are_listed_and_all_are_counted(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming, "LISTED", 2)
    for _ in range(3):
        creating.create(LOCAL, system, new_job(DelayFromNow(600)))
    minute = browser.load("/dashboard/upcoming?minute=2026-11-20T12:10:00Z")
    assert "12:10:00 the first 2 runs; the chart counts 3" in minute.text
