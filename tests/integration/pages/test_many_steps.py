"""Actions on all that fit a filter, where these are more than one page acts on: from step to step, to an end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import PermanentFailure
from core.principals import LOCAL
from pages.resources import bulk
from services.execution.work import Failed
from services.jobs import lifecycle
from tests.factories import GivenSystem, claim, first_run, record, runs_of, succeeded
from tests.integration.pages.browser import Browser
from tests.integration.pages.many import failing, made, preview, states


def test_a_list_that_is_longer_goes_on_with_the_rest(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.resources.bulk.MOST", 2)
    jobs = made(system, "one", "two", "three")
    dry_run = preview(browser, "/dashboard/jobs", action="trigger", which="all")
    assert "3 jobs fit; 2 are acted on at a time." in dry_run.text
    assert "of the first 2 jobs, 2 would be run now; the rest would follow after these." in dry_run.text
    rest = browser.submit(dry_run.form("Run now 2"))
    assert "2 of 3 done: 2 run, 0 refused." in rest.text
    assert "Carried out. 3 started, 0 refused." in browser.submit(rest.form("Run now the next 1")).text
    assert [len(runs_of(job)) for job in jobs] == [2, 2, 2]


def test_what_goes_on_keeps_its_reason_its_end_and_what_was_refused(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    jobs = made(system, "a1", "a2", "a3", "a4", "a5", "b1")
    lifecycle.cancel(LOCAL, system, jobs[1])
    dry_run = preview(browser, "/dashboard/jobs", action="pause", which="all", tag="a")
    assert "5 jobs fit" in dry_run.text
    page = browser.submit(dry_run.form("Pause 1"), reason="It moves", until="2026-11-21T00:00")
    assert "2 of 5 done: 1 paused, 1 refused." in page.text
    page = browser.submit(page.form("Pause the next 2"))
    assert "4 of 5 done: 3 paused, 1 refused." in page.text
    page = browser.submit(page.form("Pause the next 1"))
    assert "4 paused, 1 refused." in page.text
    assert page.form("Show").fields["tag"] == "a"
    assert states(jobs) == ["paused", "cancelled", "paused", "paused", "paused", "active"]
    last = browser.load(f"/dashboard/jobs/{jobs[4]}").text
    assert "“It moves”" in last
    assert "until Sat 21 Nov" in last


def test_where_nothing_of_the_first_can_be_changed_the_rest_is_tried(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 1)
    jobs = made(system, "one", "two")
    lifecycle.cancel(LOCAL, system, jobs[0])
    dry_run = preview(browser, "/dashboard/jobs", action="pause", which="all")
    assert not dry_run.has_button("Pause 0")
    rest = browser.load(dry_run.links["Go on with the rest"])
    assert "1 paused, 1 refused." in browser.submit(rest.form("Pause 1")).text


def test_replays_of_one_reason_go_on_though_nobody_can_count_them(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    failing(system, *["Broken."] * 3)
    dry_run = preview(browser, "/dashboard/runs", action="replay", which="all", status="failed", failure="Broken.")
    assert "2 would be replayed now; there may be more, which would follow after these." in dry_run.text
    system.clock.advance(1)
    page = browser.submit(dry_run.form("Replay 2"))
    system.clock.advance(1)
    assert "2 done: 2 replayed, 0 refused. There may be more." in page.text
    page = browser.submit(page.form("Replay the rest"))
    assert "3 replayed, 0 refused." in page.text
    shown = page.form("Show").fields
    assert (shown["trigger"], shown["created_from"]) == ("retry", "2026-11-20T12:00:01Z"), "of all steps"


@pytest.mark.parametrize("query", [{"status": "failed"}, {"failure": "Broken."}, {"finished_before": "2027-01-01"}])
def test_replays_that_fail_meanwhile_are_not_replayed_without_end(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    failing(system, *["Broken."] * 5)
    system.clock.advance(1)
    page = preview(browser, "/dashboard/runs", action="replay", which="all", **query)
    for _ in range(3):
        [form] = [form for form in page.forms if "going" in form.fields]
        page = browser.submit(form)
        for work in claim(system):
            record(system, work, Failed(PermanentFailure("Broken.", status_code=422)))
        system.clock.advance(1)
    assert "5 replayed, 0 refused." in page.text


def test_replays_go_on_in_a_process_whose_clock_is_behind(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    for name in ("one", "two", "three"):
        first_run(system, name=name)
    for work in claim(system):
        record(system, work, succeeded())
    system.clock.advance(10)
    page = preview(browser, "/dashboard/runs", action="replay", status="completed", which="all")
    page = browser.submit(page.form("Replay 2"))
    system.clock.set(system.clock.now() - timedelta(seconds=1))
    assert "3 replayed, 0 refused." in browser.submit(page.form("Replay the next 1")).text


def test_a_step_is_taken_once_though_its_page_is_loaded_again(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 1)
    jobs = made(system, "one", "two", "three")
    dry_run = preview(browser, "/dashboard/jobs", action="trigger", which="all")
    step = browser.send(dry_run.form("Run now 1")).headers["location"]
    pages = [browser.load(step) for _ in range(2)]
    after = [browser.send(page.form("Run now the next 1")).headers["location"] for page in pages]
    assert after[0] == after[1]
    assert [len(runs_of(job)) for job in jobs] == [2, 2, 1]
    browser.submit(browser.load(after[0]).form("Run now the next 1"))
    assert [len(runs_of(job)) for job in jobs] == [2, 2, 2]
