"""`carillon jobs` and `carillon runs`: what is typed is done, and shown to people and programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.processes import ProcessKind
from services.execution import workers
from services.runtime import this_process
from tests.factories import GivenSystem, claim_one, create_jobs, hear_of, new_job, record, refused, succeeded
from tests.integration.command_line.terminal import Terminal

NEEDED = ("--app", "app_a", "--account", "acc1", "--user", "user1", "--task-type", "greet")

# --- Create ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "schedule"),
    [
        (("--now",), {"type": "immediate"}),
        (("--at", "2027-03-01T09:00", "--tz", "Europe/Paris"), {"type": "run_at", "timestamp": "2027-03-01T08:00:00Z"}),
        (("--in", "5m"), {"type": "delay_from_now", "duration_seconds": 300.0}),
        (("--poll", "30"), {"type": "polling", "interval_seconds": 30.0}),
        (("--cron", "0 9 * * 1", "--tz", "Asia/Tokyo"), {"expression": "0 9 * * 1", "timezone": "Asia/Tokyo"}),
        (("--every", "1h", "--max-runs", "3"), {"every_seconds": 3600.0, "max_runs": 3}),
        (("--every", "daily"), {"frequency": "daily"}),
    ],
)
def test_each_way_to_say_when_makes_a_job(
    terminal: Terminal, options: tuple[str, ...], schedule: dict[str, Any]
) -> None:
    job = terminal.json("jobs", "show", terminal.create(*options))
    assert {name: job["schedule"][name] for name in schedule} == schedule


def test_every_field_of_a_job_may_be_given(terminal: Terminal, tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text('{"a": [1, null]}')
    given = {
        "--name": "nightly",
        "--board": "board 7",
        "--callback-url": "http://127.0.0.1:9/other",
        "--priority": "high",
        "--max-retries": "0",
        "--retry-backoff-base": "2.5",
        "--time-limit": "9",
        "--catch-up": "all",
        "--overlap": "queue_one",
        "--deadline-seconds": "60",
        "--title": "The night's work",
        "--metadata": '{"team": "ops"}',
        "--retry-backoff-max": "7.5",
        "--catch-up-window-seconds": "30",
        "--jitter-seconds": "2",
        "--data": f"@{data}",
    }
    options = [word for pair in given.items() for word in pair]
    job = terminal.json(
        "jobs", "show", terminal.create("--every", "1h", "--tag", "b", "--tag", "a", "--expire", *options)
    )
    assert (job["name"], job["board_id"], job["callback_url"]) == ("nightly", "board 7", "http://127.0.0.1:9/other")
    assert (job["priority"], job["max_retries"], job["retry_backoff_base"]) == (8, 0, 2.5)
    assert (job["time_limit_seconds"], job["catch_up"], job["overlap"]) == (9.0, "all", "queue_one")
    assert (job["deadline_seconds"], job["expire"], job["tags"]) == (60.0, True, ["a", "b"])
    assert job["data"] == {"a": [1, None]}
    assert (job["title"], job["metadata"]) == ("The night's work", {"team": "ops"})
    assert (job["retry_backoff_max"], job["catch_up_window_seconds"]) == (7.5, 30.0)
    assert job["schedule"]["jitter_seconds"] == 2.0


def test_a_job_is_edited_field_by_field(terminal: Terminal) -> None:
    job = terminal.create("--cron", "0 9 * * 1", "--tz", "Asia/Tokyo", "--name", "weekly", "--board", "7")
    told = terminal.ok("jobs", "edit", job, "--priority", "low", "--max-retries", "0", "--clear", "board_id")
    assert told == f"Job {job} is changed: board_id, priority, max_retries.\n"
    edited = terminal.json("jobs", "edit", job, "--max-runs", "4")
    assert (edited["priority"], edited["max_retries"], edited["board_id"]) == (2, 0, None)
    assert (edited["schedule"]["timezone"], edited["schedule"]["max_runs"]) == ("Asia/Tokyo", 4)
    assert terminal.json("jobs", "edit", job, "--every", "daily")["schedule"]["type"] == "interval"


def test_an_interval_is_edited_from_the_calendar_to_seconds_and_back(terminal: Terminal) -> None:
    job = terminal.create("--every", "daily")

    def every(text: str) -> tuple[Any, Any]:
        schedule = terminal.json("jobs", "edit", job, "--every", text)["schedule"]
        return schedule["every_seconds"], schedule["frequency"]

    assert [every(text) for text in ("5m", "10m", "weekly")] == [(300, None), (600, None), (None, "weekly")]


def test_a_poll_may_be_bounded(terminal: Terminal) -> None:
    job = terminal.json(
        "jobs", "show", terminal.create("--poll", "30", "--max-polls", "3", "--give-up-after-seconds", "9")
    )
    assert (job["schedule"]["max_polls"], job["schedule"]["give_up_after_seconds"]) == (3, 9.0)


def test_a_job_may_be_created_from_a_file_and_under_a_key(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    body = {"app_name": "app_b", "account_id": 1, "user_id": 2, "task_type": "greet", "schedule": {"type": "immediate"}}
    file.write_text(json.dumps(body))
    words = ("jobs", "create", "--file", str(file), "--idempotency-key", "once")
    first = terminal.json(*words)
    assert terminal.json(*words) == first
    assert terminal.ok(*words) == f"Job {first['id']} is created.\n"
    assert terminal.json("jobs", "show", first["id"])["user_id"] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", *NEEDED), "exactly one"),
        (("create", *NEEDED, "--now", "--in", "5"), "exactly one"),
        (("create", "--app", "a", "--now"), "--account, --user, --task-type"),
        (("create", *NEEDED, "--in", "soon"), "'soon' is no length of time"),
        (("create", *NEEDED, "--now", "--data", "{a}"), "neither JSON nor"),
        (("create", *NEEDED, "--file", __file__), "leave the other options"),
        (("create", *NEEDED, "--file", "/nowhere.json"), "does not exist"),
        (("show", "not-an-id"), "valid UUID"),
        (("edit", "01a1fc26-c998-7695-a86d-5d4b59740130"), "Give an option"),
        (("edit", "01a1fc26-c998-7695-a86d-5d4b59740130", "--clear", "user_id"), "cannot be cleared"),
        (("list", "--limit", "0"), "--limit"),
        (("list", "--nonsense"), "--nonsense"),
    ],
)
def test_what_cannot_be_meant_is_told_with_exit_code_2(terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    assert told in terminal.refused("jobs", *words, code=2).replace("\n", " ")


# --- Look ------------------------------------------------------------------------------------------------------


def test_jobs_are_listed_by_any_filter_and_over_pages(terminal: Terminal, system: GivenSystem) -> None:
    made = create_jobs(system, [new_job(task_type=f"t{number % 2}") for number in range(130)], all_or_none=True)
    paused = terminal.create("--cron", "0 9 * * 1", "--name", "weekly", "--tag", "red")
    terminal.ok("jobs", "pause", paused)
    assert [job["id"] for job in terminal.json("jobs", "list", "--limit", "1")] == [paused]
    assert len(terminal.json("jobs", "list", "--limit", "120")) == 120
    assert len(terminal.json("jobs", "list", "--limit", "999")) == len(made) + 1
    assert len(terminal.json("jobs", "list", "--task-type", "t1", "--limit", "999")) == 65
    for words in (
        ("--status", "paused"),
        ("--kind", "cron"),
        ("--name", "weekly"),
        ("--tag", "red"),
        ("--search", "week"),
        ("--app", "app_a", "--account", "acc1", "--user", "user1", "--task-type", "greet"),
        ("--created-from", "2026-11-20T12:00:00Z", "--ordering", "-name", "--tag", "red"),
    ):
        assert [job["id"] for job in terminal.json("jobs", "list", *words)] == [paused]
    assert terminal.json("jobs", "list", "--created-before", "2026-11-20T12:00:00Z") == []


def test_a_table_shows_each_job_on_one_line(terminal: Terminal) -> None:
    job_id = terminal.create("--cron", "0 9 * * 1", "--name", "x" * 150, "--tz", "Europe/Paris")
    head, row = terminal.ok("jobs", "list").splitlines()
    assert head.split() == ["id", "app", "name", "task", "type", "schedule", "status", "next", "run"]
    assert row.split() == [
        *(job_id, "app_a", "x" * 150, "greet", "0", "9", "*", "*", "1", "(Europe/Paris)", "pending"),
        "2026-11-23T08:00:00Z",
    ]
    shown = dict(line.split(maxsplit=1) for line in terminal.ok("jobs", "show", job_id).splitlines())
    assert (shown["id"], shown["schedule"]) == (job_id, "0 9 * * 1 (Europe/Paris)")


def test_runs_are_listed_and_shown(terminal: Terminal, system: GivenSystem) -> None:
    job_id = terminal.create("--now")
    terminal.create("--now")
    record(system, claim_one(system), refused())
    [run] = terminal.json("runs", "list", "--job", job_id)
    assert (run["job_id"], run["status"]) == (job_id, "failed")
    assert terminal.json("runs", "list", "--status", "failed", "--trigger", "schedule", "--app", "app_a") == [run]
    assert len(terminal.json("runs", "list")) == 2
    assert run["id"] in terminal.ok("runs", "list", "--status", "failed")
    assert terminal.json("runs", "list", "--failure", "The receiver will not have it.") == [run]
    assert terminal.json("runs", "list", "--failure", "Something else.") == []
    shown = terminal.json("runs", "show", run["id"])
    assert [one["outcome"] for one in shown["attempts"]] == ["failed"]
    assert "The receiver will not have it." in terminal.ok("runs", "show", run["id"])


def test_a_run_is_shown_with_what_held_it(terminal: Terminal, system: GivenSystem) -> None:
    job_id = terminal.create("--now")
    terminal.ok("jobs", "pause", job_id)
    [run] = terminal.json("runs", "list", "--job", job_id)
    [hold] = terminal.json("runs", "show", run["id"])["holds"]
    since = {"since": "2026-11-20T12:00:00Z", "until": None}
    paused = "the job, by somebody on this machine"
    assert [job["id"] for job in terminal.json("jobs", "list", "--paused")] == [job_id]
    assert terminal.json("jobs", "list", "--not-paused") == []
    assert terminal.json("runs", "list", "--held-by", "paused") == [run]
    assert terminal.json("runs", "list", "--held-by", "overlap") == []
    assert hold == {"held_by": "paused", "key": None, **since, "holders": [], "pause": paused}
    system.clock.advance(3)
    terminal.ok("jobs", "resume", job_id)
    record(system, claim_one(system), succeeded())
    assert "2026-11-20T12:00:00Z  2026-11-20T12:00:03Z" in terminal.ok("runs", "show", run["id"])
    why = terminal.ok("jobs", "why", job_id, "--at", "2026-11-20T12:00:00Z").replace("\n", " ")
    assert "It was held from 2026-11-20T12:00:00Z to 2026-11-20T12:00:03Z by a pause of the job, by" in why


# --- Change ----------------------------------------------------------------------------------------------------


def test_a_job_is_paused_resumed_triggered_cancelled_and_deleted(terminal: Terminal) -> None:
    job_id = terminal.create("--every", "1h")
    assert terminal.ok("jobs", "pause", job_id) == f"Job {job_id} is paused.\n"
    assert terminal.json("jobs", "resume", job_id)["status"] != "paused"
    run = terminal.json("jobs", "trigger", job_id, "--data", '{"a": 1}')
    assert (run["job_id"], run["trigger"]) == (job_id, "manual")
    assert terminal.ok("runs", "cancel", run["id"]) == f"Run {run['id']} is cancelled.\n"
    assert terminal.json("jobs", "cancel", job_id)["status"] == "cancelled"
    assert terminal.json("jobs", "delete", job_id) == {"id": job_id, "deleted": True}
    assert "There is no job" in terminal.refused("jobs", "show", job_id)


def test_what_has_failed_is_retried_and_replayed(terminal: Terminal, system: GivenSystem) -> None:
    job_id = terminal.create("--now")
    record(system, claim_one(system), refused())
    [run] = terminal.json("runs", "list", "--job", job_id)
    retried = terminal.json("jobs", "retry", job_id)["run_id"]
    record(system, claim_one(system), succeeded())
    replayed = terminal.json("runs", "replay", run["id"])
    assert len({run["id"], retried, replayed["id"]}) == 3
    assert replayed["job_id"] == job_id


def test_a_completed_run_is_replayed_with_again(terminal: Terminal, system: GivenSystem) -> None:
    job_id = terminal.create("--now")
    record(system, claim_one(system), succeeded())
    [run] = terminal.json("runs", "list", "--job", job_id)
    assert "has completed" in terminal.refused("runs", "replay", run["id"])
    assert terminal.json("runs", "replay", run["id"], "--again")["retry_of"] == run["id"]


def test_a_replay_may_have_other_data_by_word_file_or_standard_input(
    terminal: Terminal, system: GivenSystem, tmp_path: Path
) -> None:
    job_id = terminal.create("--now", "--data", '{"from": "the job"}')
    record(system, claim_one(system), refused())
    [run] = terminal.json("runs", "list", "--job", job_id)
    file = tmp_path / "data.json"
    file.write_text('{"from": "a file"}')
    given = {'{"from": "a word"}': "a word", f"@{file}": "a file", "-": "standard input"}
    for words, meant in given.items():
        result = terminal.run("runs", "replay", run["id"], "--data", words, answers='{"from": "standard input"}')
        assert result.exit_code == 0, result.output
        work = claim_one(system)
        assert work.data == {"from": meant}
        record(system, work, refused())
    result = terminal.run("runs", "replay", run["id"], "--data", "-", answers="{")
    assert (result.exit_code, "standard input is not JSON" in result.stderr.replace("\n", " ")) == (2, True)


def test_pauses_are_told_until_when(terminal: Terminal) -> None:
    job_id = terminal.create("--every", "1h")
    until = ("--until", "2026-11-20T14:00:00+01:00", "--reason", "it moves")
    told = "is paused until 2026-11-20T13:00:00Z."
    assert terminal.ok("jobs", "pause", job_id, *until) == f"Job {job_id} {told}\n"
    assert terminal.ok("jobs", "pause", job_id) == f"Job {job_id} is paused.\n"
    terminal.ok("jobs", "bulk", "pause", "--all", *until)
    assert terminal.json("jobs", "show", job_id)["paused_until"] == "2026-11-20T13:00:00Z"
    assert terminal.ok("apps", "pause", "app_a", *until) == f"The app app_a {told}\n"
    assert terminal.ok("apps", "resume", "app_a") == "The app app_a is resumed.\n"
    assert terminal.ok("pause", *until) == f"Everything {told}\n"
    assert terminal.ok("resume") == "Everything is resumed.\n"
    assert "until is 2026-11-20T12:00:00Z, which has passed" in terminal.refused(
        "jobs", "pause", job_id, "--until", "2026-11-20T12:00:00Z"
    )
    assert {one["reason"] for one in terminal.json("audit") if one["action"].endswith("paused")} == {"it moves", None}


def test_workers_are_listed_and_drained(terminal: Terminal, system: GivenSystem) -> None:
    worker = workers.register(system)
    told = terminal.ok("workers", "drain", str(worker.id), "--reason", "the host goes")
    assert told == f"The worker {worker.id} is draining, with 0 runs.\n"
    assert [one["status"] for one in terminal.json("workers", "list")] == ["draining"]
    assert str(worker.id) in terminal.ok("workers", "list")
    assert terminal.json("workers", "undrain", str(worker.id))["status"] == "alive"


def test_other_processes_are_listed(terminal: Terminal, system: GivenSystem) -> None:
    told = this_process.identity(ProcessKind.COORDINATOR, system.clock.now()).as_json()
    hear_of(system, told)
    [shown] = terminal.json("workers", "others")
    assert (shown["kind"], shown["version"], shown["status"]) == ("coordinator", told["version"], "alive")
    assert told["version"] in terminal.ok("workers", "others")
