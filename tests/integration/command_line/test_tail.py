"""`carillon jobs tail`: a line for each change, until the job ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from client import tailing
from client.server import Server
from core.principals import LOCAL
from services.jobs import creating, lifecycle
from tests.factories import GivenSystem, claim_one, failed, new_job, record, refused, succeeded
from tests.integration.command_line.terminal import Terminal


def test_each_change_is_told_once_until_the_job_ends(url: str, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job())
    happenings: Iterator[Callable[[], object]] = iter(
        [
            lambda: record(system, claim_one(system), failed()),
            lambda: None,
            lambda: lifecycle.cancel(LOCAL, system, job_id),
        ]
    )

    def rest() -> None:
        next(happenings)()

    events = list(tailing.follow(Server(url, None), job_id, 10, rest))
    assert [event["run"]["status"] for event in events[:-1]] == ["queued", "retrying", "cancelled"]
    assert events[-1]["job"]["status"] == "cancelled"


def test_it_begins_with_as_many_runs_as_wanted(url: str, system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job())
    for _ in range(3):
        record(system, claim_one(system), refused())
        made = Server(url, None).post(f"/api/jobs/{job_id}/retry")["run_id"]
    lifecycle.cancel(LOCAL, system, job_id)
    events = list(tailing.follow(Server(url, None), job_id, 2, lambda: None))
    assert len(events) == 3
    assert events[1]["run"]["id"] == made


def test_of_a_job_that_ends_well_it_exits_with_0(terminal: Terminal, system: GivenSystem) -> None:
    job_id = terminal.create("--now")
    record(system, claim_one(system), succeeded())
    lines = terminal.ok("jobs", "tail", job_id).splitlines()
    assert lines[0].endswith("completed, attempt 1")
    assert lines[1:] == [f"Job {job_id} is completed."]


def test_of_a_job_that_fails_it_exits_with_1(terminal: Terminal, system: GivenSystem) -> None:
    job_id = terminal.create("--now")
    record(system, claim_one(system), refused())
    result = terminal.run("jobs", "tail", job_id, "--lines", "0")
    assert (result.exit_code, result.stdout) == (1, f"Job {job_id} is failed.\n")


def test_for_programs_each_line_is_an_object(terminal: Terminal, system: GivenSystem) -> None:
    job_id = terminal.create("--now")
    record(system, claim_one(system), succeeded())
    told = [json.loads(line) for line in terminal.ok("jobs", "tail", job_id, "--json").splitlines()]
    assert [list(one) for one in told] == [["run"], ["job"]]
    assert UUID(told[0]["run"]["job_id"]) == UUID(told[1]["job"]["id"])


def test_it_waits_for_what_is_still_to_come(
    terminal: Terminal, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = terminal.create("--now")
    monkeypatch.setattr(tailing, "rest", lambda _seconds: record(system, claim_one(system), succeeded()))
    told = terminal.ok("jobs", "tail", job_id)
    assert "queued" in told
    assert "completed" in told
