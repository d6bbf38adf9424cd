"""What receivers tell while they work: progress, a message, lines of a log; in GET run and on the run's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.states import RunStatus
from models import database, lists, run_lines
from models.shown_runs import ShownRun
from models.tables import Run, RunLine
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    first_run,
    given_system,
    in_threads,
    record,
    stored_run,
    succeeded,
)
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.reporting import deferred, report
from tests.integration.changes.watching import Watcher
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site


def shown(client: Client, run_id: object) -> Any:
    return client.simulate_get(f"/api/runs/{run_id}").json


def test_progress_and_message_are_shown_until_others_come(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    told = {"progress": {"done": 3, "total": 8}, "message": "Page 3"}
    assert report(client, work, "heartbeat", told).status_code == 200
    report(client, work, "heartbeat")
    run = shown(client, work.run_id)
    assert (run["progress"], run["message"]) == ({"done": 3, "total": 8}, "Page 3")
    page = Browser(site(system)).load(f"/dashboard/runs/{work.run_id}")
    assert "3 of 8" in page.text
    assert "Page 3" in page.text
    report(client, work, "heartbeat", {"progress": 0.5, "message": None})
    run = shown(client, work.run_id)
    assert (run["progress"], run["message"]) == (0.5, None)


def test_what_an_attempt_told_stays_neither_on_the_next_nor_when_the_run_is_completed(
    client: Client, system: GivenSystem
) -> None:
    work = deferred(client, system)
    told = {"progress": 0.5, "message": "Half of it"}
    report(client, work, "heartbeat", told)
    report(client, work, "fail", {"message": "Not yet."})
    run = shown(client, work.run_id)
    assert (run["status"], run["progress"], run["message"]) == ("retrying", None, None)
    work = deferred(client, system)
    report(client, work, "heartbeat", told)
    report(client, work, "complete", {"result": 1})
    run = shown(client, work.run_id)
    assert (run["status"], run["progress"], run["message"]) == ("completed", None, None)


@pytest.mark.parametrize("progress", [10**400, {"done": 10**400, "total": 10**401}, {"done": 1, "total": -1e16}])
def test_numbers_beyond_what_can_be_counted_are_refused(client: Client, system: GivenSystem, progress: Any) -> None:
    answer = report(client, deferred(client, system), "heartbeat", {"progress": progress})
    assert (answer.status_code, [one["field"] for one in answer.json["errors"]]) == (400, ["progress"])


def test_lines_are_logged_in_order_and_the_newest_are_kept(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.execution.reports.LINES_KEPT", 3)
    work = deferred(client, system)
    assert report(client, work, "log", {"lines": ["one", "two"]}).json["lines"] == 2
    answer = report(client, work, "log", {"lines": ["<b>three</b>", "fo\u0000ur"]})
    assert answer.status_code == 400, "a text that cannot be stored is refused"
    answer = report(client, work, "log", {"lines": ["<b>three</b>", "four"]})
    assert answer.json == {"run_id": str(work.run_id), "attempt": 1, "lines": 3}
    with database.reading():
        assert RunLine.select().count() == 3
    log = shown(client, work.run_id)["log"]
    assert [(one["number"], one["attempt"], one["text"]) for one in log] == [
        (2, 1, "two"),
        (3, 1, "<b>three</b>"),
        (4, 1, "four"),
    ]
    newest = client.simulate_get(f"/api/runs/{work.run_id}/log", params={"limit": "1"}).json["results"]
    assert [one["text"] for one in newest] == ["four"]
    assert "<b>three</b> " in Browser(site(system)).load(f"/dashboard/runs/{work.run_id}").text


def test_long_lines_push_out_older_ones(client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.execution.reports.CHARACTERS_KEPT", 10)
    work = deferred(client, system)
    assert report(client, work, "log", {"lines": ["öööö", "bbbb", "cc"]}).json["lines"] == 3
    assert report(client, work, "log", {"lines": ["d"]}).json["lines"] == 3
    assert [one["number"] for one in shown(client, work.run_id)["log"]] == [2, 3, 4]
    assert report(client, work, "log", {"lines": ["e" * 10]}).json["lines"] == 1
    assert [one["number"] for one in shown(client, work.run_id)["log"]] == [5]


def test_lines_are_counted_among_the_requests_of_an_address_and_reports_are_not(sqlite: str) -> None:
    system = given_system(requests_per_minute=3)
    client = Client(served(system))
    work = deferred(client, system)  # one request
    logged = [report(client, work, "log", {"lines": ["one"]}).status_code for _ in range(3)]
    assert logged == [200, 200, 429]
    assert report(client, work, "log/", {"lines": ["one"]}).status_code == 429
    assert [report(client, work, "heartbeat").status_code for _ in range(4)] == [200] * 4


def test_those_who_listen_hear_of_a_line(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    watcher = Watcher()
    report(client, work, "log", {"lines": ["one"]})
    assert work.run_id in watcher.look().runs


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("log", {}, "lines"),
        ("log", {"lines": []}, "lines"),
        ("log", {"lines": ["x"] * 101}, "lines"),
        ("log", {"lines": ["x" * 1_001]}, "lines.0"),
        ("log", {"lines": "one"}, "lines"),
        ("log", {"lines": ["one"], "more": 1}, "more"),
        ("heartbeat", {"progress": "x" * 5_000}, "progress"),
        ("heartbeat", {"message": "x" * 2_001}, "message"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(
    client: Client, system: GivenSystem, kind: str, body: Any, field: str
) -> None:
    work = deferred(client, system)
    assert set(refusal(report(client, work, kind, body))) == {field}


def test_lines_of_strangers_and_of_what_has_ended_are_refused(client: Client, system: GivenSystem) -> None:
    work = deferred(client, system)
    wrong = {"X-Carillon-Report-Token": "wrong"}
    assert report(client, work, "log", {"lines": ["one"]}, **wrong).status_code == 401
    report(client, work, "complete", {})
    assert report(client, work, "log", {"lines": ["one"]}).status_code == 409
    assert report(client, work, "heartbeat", {"message": "late"}).status_code == 409
    assert stored_run(work.run_id).message is None
    assert client.simulate_get(f"/api/runs/{work.run_id}/log", params={"limit": "0"}).status_code == 400


@pytest.fixture
def ending(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that logs a line and ends just after it was read as running, before the rest of it is read."""
    run = first_run(system)
    [work] = claim(system)
    read = lists.run

    def end(_: int) -> None:
        with database.transaction():
            run_lines.add(run.id, 1, ["That was it."], NOON, most=10, characters=100)
        record(system, work, succeeded())

    def and_then_ends(run_id: UUID) -> ShownRun | None:
        monkeypatch.setattr(lists, "run", read)
        found = read(run_id)
        in_threads(1, end)
        return found

    monkeypatch.setattr(lists, "run", and_then_ends)
    return run


def test_a_run_that_ends_while_it_is_read_is_shown_as_it_was_before(client: Client, ending: Run) -> None:
    run = shown(client, ending.id)
    assert (run["status"], run["log"]) == ("running", [])
    assert stored_run(ending.id).status is RunStatus.COMPLETED


def test_a_page_of_a_run_that_ends_while_it_is_read_is_as_it_was_before(system: GivenSystem, ending: Run) -> None:
    page = Browser(site(system)).load(f"/dashboard/runs/{ending.id}")
    assert "It is running" in page.text
    assert "That was it." not in page.text
    assert stored_run(ending.id).status is RunStatus.COMPLETED
