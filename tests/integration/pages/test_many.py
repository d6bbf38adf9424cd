"""Actions on many jobs and runs of a list: those ticked, or all that fit, tried before they are carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.threads import Threads
from core.principals import LOCAL
from models import filtering
from pages.resources import bulk
from services.jobs import lifecycle, requested_runs
from tests.factories import GivenSystem, claim, claim_one, first_run, record, runs_of, stored_run, succeeded
from tests.integration.pages.browser import Browser
from tests.integration.pages.many import failing, made, preview, states


def test_the_jobs_that_are_ticked_are_paused_after_a_dry_run_for_a_reason(
    browser: Browser, system: GivenSystem
) -> None:
    jobs = made(system, "one", "two", "three")
    listed = browser.load("/dashboard/jobs")
    boxes = {given["value"] for tag, given in listed.elements if tag == "input" and given.get("form") == "bulk"}
    assert boxes == set(map(str, jobs))
    dry_run = preview(browser, "/dashboard/jobs", action="pause", which="chosen", id=jobs[:2])
    assert "of 2 jobs that fit, 2 would be paused now." in dry_run.text
    assert states(jobs) == ["active"] * 3, "the dry run leaves nothing behind"
    form = dry_run.form("Pause 2")
    assert "Paused: nothing starts" in browser.submit(form, reason="It moves").text
    browser.submit(form, reason="It moves")
    assert states(jobs) == ["paused", "paused", "active"]
    assert "“It moves”" in browser.load(f"/dashboard/jobs/{jobs[0]}").text


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Threads]]:
    """What is called in a thread from now on, and in which pool; an app that was made before keeps to itself."""
    called: list[tuple[str, Threads]] = []
    run = Threads.run

    async def noted(self: Threads, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        called.append((getattr(function, "__name__", ""), self))
        return await run(self, function, *args, **named)

    monkeypatch.setattr(Threads, "run", noted)
    return called


def test_many_are_tried_and_acted_on_in_threads_that_no_other_page_needs(
    pools: list[tuple[str, Threads]], browser: Browser, system: GivenSystem
) -> None:
    def taken(name: str) -> set[Threads]:
        found = {pool for function, pool in pools if function == name}
        pools.clear()
        return found

    jobs = made(system, "one", "two")
    browser.load("/dashboard/jobs")
    [of_pages] = taken("_page")
    dry_run = preview(browser, "/dashboard/jobs", action="pause", which="chosen", id=jobs)
    [of_many] = taken("_page")
    browser.submit(dry_run.form("Pause 2"))
    assert taken("once") == {of_many}
    assert of_many is not of_pages
    assert states(jobs) == ["paused", "paused"]


def test_all_that_fit_the_filter_are_meant_where_that_is_chosen(browser: Browser, system: GivenSystem) -> None:
    jobs = made(system, "a1", "a2", "b1")
    form = browser.load("/dashboard/jobs?tag=a").form("Preview…")
    dry_run = browser.submit(form, action="delete", which="all")
    assert "Tag a" in dry_run.text
    page = browser.submit(dry_run.form("Delete 2"))
    assert "Deleted." in page.text
    assert states(jobs)[2] == "active"
    assert [name for name in browser.load("/dashboard/jobs").links if name in ("a1", "a2", "b1")] == ["b1"]


def test_what_an_action_is_not_for_stays_and_says_why(browser: Browser, system: GivenSystem) -> None:
    [run_id] = failing(system, "Broken.")
    [waiting] = [run.id for job in made(system, "later") for run in runs_of(job)]
    dry_run = preview(browser, "/dashboard/runs", action="replay", which="chosen", id=[run_id, waiting])
    assert "of 2 runs that fit, 1 would be replayed now." in dry_run.text
    assert "The run of later is pending" in dry_run.text
    assert dry_run.links["later"] == f"/dashboard/runs/{waiting}"
    assert "The runs are being replayed" in browser.submit(dry_run.form("Replay 1")).text
    assert stored_run(waiting).status == "pending"


def test_completed_runs_are_replayed_from_a_list_of_completed_runs_alone(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "CLOCKS_APART", timedelta(days=36_500))  # the clock stands, and ids tell the time
    run = first_run(system, name="done")
    record(system, claim_one(system), succeeded())
    system.clock.advance(1)
    mixed = preview(browser, "/dashboard/runs", action="replay", which="chosen", id=run.id)
    assert "0 would be replayed now" in mixed.text
    for which in ({"which": "chosen", "id": run.id}, {"which": "all"}):
        dry_run = preview(browser, "/dashboard/runs", action="replay", status="completed", **which)
        assert "of 1 run that fits, 1 would be replayed now." in dry_run.text
        assert "the receivers are called once more, under other idempotency keys" in dry_run.text
    page = browser.submit(dry_run.form("Replay 1"))
    assert "1 replayed, 0 refused." in page.text
    assert page.links["an earlier run"] == f"/dashboard/runs/{run.id}"
    record(system, claim_one(system), succeeded())
    dry_run = preview(browser, "/dashboard/runs", action="replay", status="completed", which="all")
    assert "0 would be replayed now" in dry_run.text, "its replay has run, and ended after this was asked for"


def test_what_is_ticked_is_meant_though_it_fits_the_filter_no_more(browser: Browser, system: GivenSystem) -> None:
    [job] = made(system, "one")
    dry_run = preview(browser, "/dashboard/jobs", action="delete", which="chosen", status="completed", id=job)
    assert "of 1 job that fits, 1 would be deleted now." in dry_run.text
    back = browser.submit(dry_run.form("Delete 1"))
    assert back.form("Show").fields["status"] == "completed"
    assert states([job]) == ["cancelled"]


def test_runs_that_have_not_ended_are_cancelled(browser: Browser, system: GivenSystem) -> None:
    failing(system, "Broken.")
    [job] = made(system, "later")
    dry_run = preview(browser, "/dashboard/runs", action="cancel", which="all")
    browser.submit(dry_run.form("Cancel 1"))
    assert runs_of(job)[0].status == "cancelled"


@pytest.mark.parametrize(("action", "most"), [("replay", 3), ("dismiss", 3), ("cancel", 2)])
def test_runs_are_counted_as_the_action_takes_them(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch, action: str, most: int
) -> None:
    monkeypatch.setattr(bulk, "MOST", 1)
    replayed, *_ = failing(system, *["Broken."] * 4)
    requested_runs.replay(LOCAL, system, replayed)
    for work in claim(system):
        record(system, work, succeeded())
    made(system, "later", "latest")
    dry_run = preview(browser, "/dashboard/runs", action=action, which="all")
    assert f"{most} runs fit; 1 is acted on at a time." in dry_run.text


def test_progress_that_no_page_made_is_refused(browser: Browser) -> None:
    page = browser.load("/dashboard/jobs/actions?action=pause&which=all&going=x&acted_on=many")
    assert page.status == 400
    assert "acted_on" in page.text


def test_a_reason_of_lines_is_acted_on_and_the_page_says_how_many(browser: Browser, system: GivenSystem) -> None:
    failing(system, "Broken:\r\nno 3\n")
    links = [str(given.get("href")) for _, given in browser.load("/dashboard/failures").elements]
    dismiss = next(link for link in links if "action=dismiss" in link and "failure=" in link)
    form = browser.load(dismiss).form("Dismiss 1")
    assert "1 dismissed, 0 refused." in browser.submit(form).text
    assert "Nothing changed. 0 changed, 0 refused." in browser.submit(form, key="another").text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("action=sing&which=all", "action must be one of"),
        ("action=pause&which=chosen&id=1", "is not an id"),
        ("action=pause&which=all&status=odd", "status"),
        ("action=pause&which=all&after=1", "after"),
    ],
)
def test_what_cannot_be_meant_is_refused(browser: Browser, query: str, told: str) -> None:
    page = browser.load(f"/dashboard/jobs/actions?{query}")
    assert page.status == 400
    assert told in page.text


def test_where_nothing_is_ticked_the_list_says_so_and_keeps_its_filter(browser: Browser, system: GivenSystem) -> None:
    made(system, "a", "b")
    page = browser.submit(browser.load("/dashboard/jobs?tag=a").form("Preview…"), action="pause", which="chosen")
    assert "Nothing is ticked" in page.text
    assert "1 job that fit" in page.text
    assert page.form("Show").fields["tag"] == "a"


def test_more_ids_than_a_form_may_carry_are_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST", 1)
    page = preview(browser, "/dashboard/jobs", action="pause", which="chosen", id=[UUID(int=1), UUID(int=2)])
    assert page.status == 400
    assert "is given more than 1 times" in page.text


def test_runs_of_all_jobs_are_listed_and_filtered(browser: Browser, system: GivenSystem) -> None:
    failing(system, "Broken.")
    made(system, "later")
    page = browser.load("/dashboard/runs")
    assert "1 run, due until now, latest first" in page.text
    assert "2 runs, newest first" in browser.load(page.links["all"]).text
    page = browser.submit(page.form("Show"), status="failed")
    assert "1 run that fit, newest first" in page.text
    assert "later" not in page.links
    assert "No run fits." in browser.load("/dashboard/runs?app_name=none").text
    assert browser.load("/dashboard/runs?status=odd").status == 400


def test_a_dry_run_names_what_is_refused_and_says_what_cancelling_and_deleting_do(
    browser: Browser, system: GivenSystem
) -> None:
    ended, going = made(system, "Digest", "Export")
    lifecycle.cancel(LOCAL, system, ended)
    dry_run = preview(browser, "/dashboard/jobs", action="pause", which="all")
    assert "The job Digest is cancelled and cannot be paused; create a new job instead." in dry_run.text
    assert dry_run.links["Digest"] == f"/dashboard/jobs/{ended}"
    assert str(ended) not in dry_run.text
    cancel, delete = "runs under way are stopped", "disappear from all lists"
    assert cancel in preview(browser, "/dashboard/jobs", action="cancel", which="all").text
    assert delete in preview(browser, "/dashboard/jobs", action="delete", which="all").text
    job = browser.load(f"/dashboard/jobs/{going}").text
    assert cancel in job
    assert delete in job
