"""`carillon apply` and `carillon export`: jobs are brought to what a file says, and written as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from client import plans
from client.definitions import MARK
from core.principals import LOCAL
from core.schedules import Cron
from models import database, users
from models.tables import Job
from services.jobs import creating
from tests.factories import GivenSystem, claim_one, new_job, record, succeeded
from tests.integration.command_line.terminal import Terminal

FILE = """\
app: billing
jobs:
  - name: nightly
    account_id: acc1
    user_id: user1
    task_type: invoice
    schedule: {type: cron, expression: 0 2 * * *, timezone: Europe/Paris}
    data: {opened: 2027-03-01, rate: 1.5, tags: [a, yes]}
  - name: once
    account_id: 2
    user_id: 3
    task_type: report
    schedule: {type: run_at, timestamp: 2027-03-01T09:30:00Z}
    priority: high
"""


class Folder:
    """A file of jobs, and how it is applied."""

    def __init__(self, terminal: Terminal, path: Path) -> None:
        self.terminal = terminal
        self.path = path / "jobs.yaml"

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def plan(self, *words: str) -> dict[str, Any]:
        """What a dry run says of each job that is not as it should be."""
        return self.steps(self.terminal.json("apply", str(self.path), "--dry-run", *words))

    def apply(self, *words: str) -> dict[str, Any]:
        return self.steps(self.terminal.json("apply", str(self.path), "--yes", *words))

    @staticmethod
    def steps(document: dict[str, Any]) -> dict[str, Any]:
        steps = {f"{step['app']}/{step['name']}": step for step in document["steps"]}
        return {title: step for title, step in steps.items() if step["action"] != "keep"}


@pytest.fixture
def folder(terminal: Terminal, tmp_path: Path) -> Folder:
    made = Folder(terminal, tmp_path)
    made.write(FILE)
    return made


def named(terminal: Terminal, name: str) -> dict[str, Any]:
    [job] = terminal.json("jobs", "list", "--name", name)
    return dict(job)


def test_what_is_declared_is_created_and_then_there_is_nothing_to_do(folder: Folder, terminal: Terminal) -> None:
    assert {title: step["action"] for title, step in folder.plan().items()} == {
        "billing/nightly": "create",
        "billing/once": "create",
    }
    assert Job.select().count() == 0
    told = terminal.ok("apply", str(folder.path), "--yes").splitlines()
    assert told == [
        "+ billing/nightly",
        "+ billing/once",
        "billing/nightly is created.",
        "billing/once is created.",
    ]
    job = named(terminal, "nightly")
    assert (job["app_name"], job["account_id"], job["tags"]) == ("billing", "acc1", [MARK])
    assert job["data"] == {"opened": "2027-03-01", "rate": 1.5, "tags": ["a", "yes"]}
    assert named(terminal, "once")["schedule"]["timestamp"] == "2027-03-01T09:30:00Z"
    assert terminal.ok("apply", str(folder.path)) == "Nothing to do.\n"
    assert folder.apply() == {}


def test_what_differs_is_shown_old_and_new_and_changed(folder: Folder, terminal: Terminal) -> None:
    folder.apply()
    folder.write(FILE.replace("0 2 * * *", "0 3 * * *").replace("rate: 1.5, ", "").replace("high", "2"))
    told = terminal.ok("apply", str(folder.path), "--yes")
    assert told.splitlines() == [
        "~ billing/nightly",
        "    schedule.expression: 0 2 * * * -> 0 3 * * *",
        "    data.rate: 1.5 -> -",
        "~ billing/once",
        "    priority: 8 -> 2",
        "billing/nightly is changed.",
        "billing/once is changed.",
    ]
    assert (named(terminal, "nightly")["version"], named(terminal, "nightly")["data"].get("rate")) == (2, None)
    assert folder.apply() == {}


def test_what_is_left_out_goes_back_to_its_default(folder: Folder, terminal: Terminal) -> None:
    folder.apply()
    folder.write(FILE.replace("    priority: high\n", ""))
    [step] = folder.apply().values()
    assert step["changes"] == [{"field": "priority", "old": 8, "new": 5}]
    assert named(terminal, "once")["priority"] == 5


def test_jobs_made_in_other_ways_are_taken_over_when_they_change_and_never_removed_before(
    folder: Folder, terminal: Terminal, system: GivenSystem
) -> None:
    cron = Cron("0 4 * * *")
    for name in ("other", "nightly", None):
        creating.create(LOCAL, system, new_job(cron, name=name, app_name="billing"))
    assert folder.apply("--prune")["billing/nightly"]["action"] == "change"
    assert named(terminal, "nightly")["tags"] == [MARK]
    assert named(terminal, "other")["tags"] == []
    folder.write("app: billing\njobs: []")
    assert {title: step["action"] for title, step in folder.apply("--prune").items()} == {
        "billing/nightly": "remove",
        "billing/once": "remove",
    }
    assert [job["name"] for job in terminal.json("jobs", "list")] == [None, "other"]


def test_what_the_file_no_longer_names_is_removed_only_with_prune(folder: Folder, terminal: Terminal) -> None:
    folder.apply()
    folder.write(FILE.partition("  - name: once")[0])
    assert folder.apply() == {}
    told = terminal.ok("apply", str(folder.path), "--yes", "--prune").splitlines()
    assert told == ["- billing/once", "billing/once is removed."]
    assert terminal.json("jobs", "list", "--name", "once") == []
    assert terminal.ok("apply", str(folder.path), "--prune") == "Nothing to do.\n"


def test_apps_of_other_files_are_left_alone(folder: Folder, terminal: Terminal) -> None:
    folder.apply()
    folder.write(FILE.replace("app: billing", "app: shop"))
    assert {step["action"] for step in folder.apply("--prune").values()} == {"create"}
    assert len(terminal.json("jobs", "list")) == 4


def test_what_has_ended_is_left_alone(folder: Folder, terminal: Terminal) -> None:
    folder.apply()
    folder.write(FILE.replace("high", "low"))
    terminal.ok("jobs", "cancel", named(terminal, "once")["id"])
    first, last = terminal.ok("apply", str(folder.path)).splitlines()
    assert first.startswith(". billing/once: it has ended (cancelled)")
    assert last == "Nothing to do."
    assert folder.apply()["billing/once"]["action"] == "leave"


def test_without_yes_and_without_a_terminal_nothing_is_done(folder: Folder, terminal: Terminal) -> None:
    result = terminal.run("apply", str(folder.path))
    assert result.exit_code == 2
    assert "give --yes" in result.stderr
    assert Job.select().count() == 0


@pytest.mark.parametrize(("answer", "count"), [("y\n", 2), ("n\n", 0), ("\n", 0)])
def test_at_a_terminal_it_asks(
    folder: Folder, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answer: str, count: int
) -> None:
    monkeypatch.setattr("client.applying._at_a_terminal", lambda: True)
    result = terminal.run("apply", str(folder.path), answers=answer)
    assert "Do this to 2 jobs?" in result.stderr
    assert result.exit_code == (0 if count else 1)
    assert Job.select().count() == count


def test_what_the_server_refuses_is_told_by_job_and_field_and_the_rest_is_done(
    folder: Folder, terminal: Terminal
) -> None:
    folder.write(FILE.replace("0 2 * * *", "61 * * * *"))
    result = terminal.run("apply", str(folder.path), "--yes")
    assert result.exit_code == 1
    assert result.stderr.startswith("billing/nightly: schedule.expression ")
    assert "billing/once is created." in result.stdout
    told = terminal.run("apply", str(folder.path), "--yes", "--json")
    [step] = Folder.steps(json.loads(told.stdout)).values()
    assert (told.exit_code, step["name"], len(step["errors"])) == (1, "nightly", 1)


def test_a_change_by_someone_else_meanwhile_is_not_overwritten(
    folder: Folder, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.apply()
    folder.write(FILE.replace("high", "low"))
    job = named(terminal, "once")
    plan = plans.plan

    def slowly(*given: Any) -> Any:
        steps = plan(*given)
        Job.update(version=Job.version + 1, priority=1).where(Job.id == job["id"]).execute()
        return steps

    monkeypatch.setattr("client.applying.plan", slowly)
    result = terminal.run("apply", str(folder.path), "--yes")
    assert (result.exit_code, result.stderr) == (
        1,
        "billing/once: was changed by someone else meanwhile; apply again.\n",
    )
    assert named(terminal, "once")["priority"] == 1


def test_a_wrong_file_is_told_with_its_line(folder: Folder, terminal: Terminal) -> None:
    folder.write(FILE + "other: 1\n")
    told = terminal.refused("apply", str(folder.path), "--yes", code=2)
    assert told.startswith("jobs.yaml, line 15: 'other' is not known")
    assert "does not exist" in terminal.refused("apply", "/nowhere.yaml", code=2)


# --- Export ----------------------------------------------------------------------------------------------------


def test_what_is_exported_and_applied_again_changes_nothing(
    folder: Folder, terminal: Terminal, system: GivenSystem
) -> None:
    folder.apply()
    strange = {
        "text": "a\u2028b\n: #",
        "date": "2027-01-01",
        "time": "12:30:00",
        "no": "no",
        "deep": {"n": [None, 1e-7]},
    }
    creating.create(LOCAL, system, new_job(name="strange: #1", data=strange, app_name="shop", tags=("b", "a")))
    for words in (
        ("--every", "1h", "--name", "interval", "--starts-at", "2027-01-01T00:00:00+09:00", "--deadline-seconds", "5"),
        ("--every", "monthly", "--name", "monthly", "--tz", "Asia/Tokyo"),
        ("--poll", "30", "--name", "poll", "--data", '{"1": true}'),
        ("--in", "1h", "--name", "delay", "--deadline", "2027-01-01"),
    ):
        terminal.create(*words)
    out = str(folder.path.with_name("out.yaml"))
    assert terminal.ok("export", "--file", out) == f"7 jobs are written to {out}.\n"
    assert terminal.ok("apply", out, "--prune") == "Nothing to do.\n"
    assert yaml.safe_load(terminal.ok("export")) == terminal.json("export")


def test_an_export_is_as_short_as_it_can_be_and_of_one_app_on_request(folder: Folder, terminal: Terminal) -> None:
    folder.apply()
    terminal.create("--now", "--name", "b")
    assert terminal.json("export", "--app", "app_a") == {
        "app": "app_a",
        "jobs": [
            {
                "name": "b",
                "account_id": "acc1",
                "user_id": "user1",
                "task_type": "greet",
                "schedule": {"type": "immediate"},
            }
        ],
    }
    assert [job["app"] for job in terminal.json("export")["jobs"]] == ["billing", "billing", "app_a"]


def test_jobs_without_a_name_and_ended_ones_are_no_part_of_an_export(terminal: Terminal, system: GivenSystem) -> None:
    ended = terminal.create("--now", "--name", "ended")
    record(system, claim_one(system), succeeded())
    nameless = terminal.create("--now")
    assert terminal.json("export") == {"jobs": []}
    text = terminal.ok("export", "--all")
    assert f"#   {nameless}  app_a  greet" in text
    assert ended not in text
    assert yaml.safe_load(text) == {"jobs": []}


def test_a_name_that_jobs_of_several_users_have_in_a_shared_app_changes_none(
    folder: Folder, terminal: Terminal, system: GivenSystem
) -> None:
    folder.write(FILE.replace("billing", "scheduler"))
    for name in ("anna", "berta"):
        with database.transaction():
            owner = users.insert(name, f"{name}@example.com", "-", system.clock.now())
        assert owner is not None
        creating.create(LOCAL, system, new_job(app_name="scheduler", name="nightly", owner_id=owner.id))
    assert "Several users have a job named nightly" in terminal.refused("apply", str(folder.path), "--yes")
    assert {job.version for job in Job.select()} == {1}
