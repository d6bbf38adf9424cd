"""`carillon jobs why`, `backfill`, `rewind`, `bulk`, `versions`, `revert`; `carillon upcoming` and `stats`."""

from __future__ import annotations

from uuid import UUID

import pytest

from models.tables import Run
from tests.factories import GivenSystem, claim, claim_one, polled, record, runs_of, succeeded
from tests.integration.command_line.terminal import Terminal

HOURLY = ("--cron", "0 * * * *", "--overlap", "allow")
SPAN = ("--from", "2026-11-20T09:00:00Z", "--to", "2026-11-20T12:00:00Z")


def test_why_says_why_a_job_did_not_run(terminal: Terminal) -> None:
    job = terminal.create(*HOURLY)
    said = terminal.ok("jobs", "why", job, "--at", "2026-11-20T11:00:00Z")
    found = terminal.json("jobs", "why", job, "--at", "2026-11-20T11:00:00Z")
    assert found["answer"] in said
    assert found["run_id"] is None
    assert "at" in terminal.refused("jobs", "why", job, "--at", "soon")


def test_a_span_is_tried_then_backfilled(terminal: Terminal) -> None:
    job = terminal.create(*HOURLY)
    assert terminal.ok("jobs", "backfill", job, *SPAN, "--again", "--dry-run").startswith("3 runs would be made, of 3")
    assert [run.trigger for run in runs_of(UUID(job)) if run.trigger == "backfill"] == []
    assert terminal.json("jobs", "backfill", job, *SPAN, "--again")["made"] == 3
    assert len([run for run in runs_of(UUID(job)) if run.trigger == "backfill"]) == 3
    assert "from" in terminal.refused("jobs", "backfill", job, "--from", SPAN[3], "--to", SPAN[1])


def test_a_job_polls_on_from_a_state_that_it_has_had(terminal: Terminal, system: GivenSystem) -> None:
    job = terminal.create("--poll", "30")
    record(system, claim_one(system), polled({"page": 2}))
    assert "from the state of version 0" in terminal.ok("jobs", "rewind", job, "0")
    assert terminal.json("jobs", "show", job)["polling_state"] == {}
    assert "version" in terminal.refused("jobs", "rewind", job, "99")


def test_an_action_on_many_goes_from_batch_to_batch(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.jobs.bulk_actions.MAX_JOBS", 2)
    jobs = {terminal.create(*HOURLY, "--tag", "nightly") for _ in range(5)}
    other = terminal.create(*HOURLY)
    assert terminal.ok("jobs", "bulk", "pause", "--tag", "nightly", "--dry-run") == "5 of 5 jobs would change.\n"
    assert terminal.json("jobs", "bulk", "pause", "--tag", "nightly", "--reason", "maintenance")["changed"] == 5
    paused = {one["id"] for one in terminal.json("jobs", "list", "--status", "paused")}
    assert (paused, other in paused) == (jobs, False)
    assert [one["reason"] for one in terminal.json("audit", "--thing", "job")] == ["maintenance"] * 5


def test_jobs_are_listed_and_acted_on_by_their_metadata(terminal: Terminal) -> None:
    job = terminal.create(*HOURLY, "--metadata", '{"team": "ops"}')
    terminal.create(*HOURLY)
    of_team = ("--metadata", "team:ops")
    assert [one["id"] for one in terminal.json("jobs", "list", *of_team)] == [job]
    assert terminal.ok("jobs", "bulk", "pause", *of_team) == "1 of 1 jobs changed.\n"
    assert terminal.json("jobs", "list", "--metadata", "team:sales") == []
    for words in (("list",), ("bulk", "pause")):
        assert "must be KEY:VALUE" in terminal.refused("jobs", *words, "--metadata", "ops")


def test_all_jobs_are_meant_only_where_that_is_said(terminal: Terminal) -> None:
    terminal.create(*HOURLY)
    assert "all" in terminal.refused("jobs", "bulk", "pause")
    assert "action" in terminal.refused("jobs", "bulk", "destroy", "--all")
    assert terminal.ok("jobs", "bulk", "pause", "--all") == "1 of 1 jobs changed.\n"


def test_what_an_action_could_not_change_is_told_with_the_reason(terminal: Terminal) -> None:
    job = terminal.create(*HOURLY)
    said = terminal.ok("jobs", "bulk", "retry", "--all")
    assert said.startswith("0 of 1 jobs changed.")
    assert job in said
    assert "Only failed jobs" in said


def test_the_versions_of_a_job_are_listed_compared_and_gone_back_to(terminal: Terminal) -> None:
    job = terminal.create(*HOURLY, "--priority", "3")
    terminal.ok("jobs", "edit", job, "--priority", "7")
    assert [one["version"] for one in terminal.json("jobs", "versions", job)] == [2, 1]
    assert "local" in terminal.ok("jobs", "versions", job)
    assert terminal.json("jobs", "compare", job, "1", "2") == [{"member": "priority", "before": 3, "after": 7}]
    assert "priority" in terminal.ok("jobs", "compare", job, "1", "2")
    assert "this is version 3" in terminal.ok("jobs", "revert", job, "1", "--reason", "too urgent")
    assert terminal.json("jobs", "show", job)["priority"] == 3
    assert terminal.json("jobs", "versions", job)[0]["reason"] == "too urgent"


def test_what_is_to_run_is_listed_soonest_first(terminal: Terminal) -> None:
    later, sooner = terminal.create("--in", "10m"), terminal.create("--in", "5m")
    found = terminal.json("upcoming")
    assert [one["job_id"] for one in found] == [sooner, later]
    assert sooner in terminal.ok("upcoming", "--seconds", "400")
    assert later not in terminal.ok("upcoming", "--seconds", "400")
    assert terminal.json("upcoming", "--app", "nobody") == []


def test_what_waits_is_listed_by_what_it_waits_for(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        terminal.ok("jobs", "pause", terminal.create("--now", "--account", "acme"))
    terminal.create("--now", "--account", "globex")
    found = terminal.json("waiting")
    assert [(one["account_id"], one["held_by"], one["count"]) for one in found["groups"]] == [
        ("acme", "paused", 2),
        ("globex", None, 1),
    ]
    assert terminal.json("waiting", "--account", "globex")["count"] == 1
    table = terminal.ok("waiting", "--app", "app_a").splitlines()
    assert [line.split()[:2] for line in table[1:]] == [["2", "paused"], ["1", "a"]]
    monkeypatch.setattr("services.reading.waiting.MAX_COUNTED", 1)
    assert "More runs wait" in terminal.run("waiting").stderr


def test_jobs_are_counted_by_what_they_show(terminal: Terminal) -> None:
    terminal.create("--in", "10m")
    terminal.ok("jobs", "pause", terminal.create(*HOURLY))
    found = terminal.json("stats")
    assert (found["total"], found["pending"], found["paused"]) == (2, 1, 1)
    assert terminal.json("stats", "--account", "nobody")["total"] == 0
    assert Run.select().count() > 0
    assert "paused" in terminal.ok("stats")


def test_a_limit_is_shown_with_who_uses_it_and_until_when(terminal: Terminal, system: GivenSystem) -> None:
    terminal.create("--now", "--account", "acme")
    terminal.create("--now", "--account", "acme", "--priority", "low")
    terminal.ok("limits", "set", "account:app_a/acme", "--rate", "9/60")
    ended, running = claim(system)
    record(system, ended, succeeded())
    told = terminal.ok("limits", "show", "account:app_a/acme")
    assert "ends by" in told
    assert "free again" in told
    assert told.count(str(running.run_id)) == told.count(str(ended.run_id)) == 1
    assert terminal.json("limits", "show", "account:app_a/acme")["holders"] == [str(running.run_id)]


def test_what_accounts_use_is_listed_with_what_holds_them_back(terminal: Terminal) -> None:
    for account in ("acme", "globex", "globex"):
        terminal.create("--now", "--account", account)
    terminal.ok("limits", "set", "account:app_a/acme", "--rate", "1/60")
    found = terminal.json("stats", "--by-account", "--order", "waiting")
    assert [(one["account_id"], one["waiting"]) for one in found["results"]] == [("globex", 2), ("acme", 1)]
    found = terminal.json("stats", "--by-account", "--order", "waited")
    assert all(one["oldest_due_at"] for one in found["results"])
    told = terminal.ok("stats", "--by-account", "--minutes", "1440", "--limit", "1", "--account", "acme")
    assert "acme" in told
    assert "1/60" in told
    assert "since" in told
    assert "globex" not in told
    assert "2 accounts in all" in terminal.run("stats", "--by-account", "--limit", "1").stderr
    assert "--minutes" in terminal.refused("stats", "--by-account", "--minutes", "0", code=2)


def test_runs_that_ended_are_counted_by_app_task_type_and_job(terminal: Terminal, system: GivenSystem) -> None:
    for _ in range(2):
        terminal.create("--now")
    for work in claim(system):
        system.clock.advance(2)
        record(system, work, succeeded())
    [found] = terminal.json("stats", "--by", "app")["results"]
    assert (found["app_name"], found["ended"], found["duration_p95_seconds"]) == ("app_a", 2, 4.0)
    told = terminal.run("stats", "--by", "job", "--task-type", "greet", "--minutes", "1440", "--limit", "1")
    assert "half took at most" in told.stdout
    assert "2 jobs in all" in told.stderr
    assert "greet" in terminal.ok("stats", "--by", "task_type")
    assert terminal.json("stats", "--by", "task_type", "--task-type", "none")["results"] == []
    assert "not both" in terminal.refused("stats", "--by", "app", "--by-account", code=2)
