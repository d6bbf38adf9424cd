"""Commands over the API: refused unless the installation names the program."""

from __future__ import annotations

from typing import Any

import pytest

from models.tables import Job, Run, db
from services.messaging import broker as brokers
from services.task_types import registry
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Client, refusal, served

JOB = {
    "app_name": "app_a",
    "user_id": 1,
    "account_id": 2,
    "task_type": "run_command",
    "schedule": {"type": "immediate"},
}


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(commands_allowed="echo, /usr/bin/sort", commands_env_allowed="TZ", callback_base_url=None)


def create(client: Client, **data: Any) -> Any:
    return client.simulate_post("/api/jobs/create", json={**JOB, "data": data})


def test_an_allowed_command_becomes_a_job_in_the_queue_of_commands(client: Client) -> None:
    result = create(client, command="echo hello", env={"TZ": "UTC"}, stdin="x")
    assert result.status_code == 201
    assert Job.get().queue == Run.get().queue == brokers.RUNS_COMMAND


@pytest.mark.parametrize(
    "data",
    [{"command": "rm -rf /"}, {"argv": ["/bin/echo"]}, {"command": "sort"}, {"argv": ["./echo"]}, {"argv": ["echo "]}],
)
def test_a_program_that_is_not_named_is_refused_with_the_way_to_allow_it(client: Client, data: dict[str, Any]) -> None:
    result = create(client, **data)
    assert result.status_code == 403
    assert "COMMANDS_ALLOWED" in result.json["detail"]
    assert Job.select().count() == 0


def test_commands_are_off_where_nothing_is_allowed(sqlite: str) -> None:
    client = Client(served(given_system()))
    commands: list[dict[str, Any]] = [{"command": "echo hello"}, {"command": "'" * 99_999}, {"argv": []}]
    for data in commands:
        result = create(client, **data)
        assert result.status_code == 403, data  # before the command is read
        assert "Jobs may not run commands here" in result.json["detail"]


def test_a_command_is_as_long_as_one_of_002_and_argv_takes_more(client: Client) -> None:
    [message] = refusal(create(client, command="echo " + "a" * 9_996)).values()
    assert "at most 10000 characters" in message
    assert create(client, command="echo " + "a" * 9_995).status_code == 201
    assert create(client, argv=["echo", "a" * 90_000]).status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {**JOB, "data": {}}),
        ("/create", {**JOB, "data": {}}),
        ("/bulk", {"jobs": [{**JOB, "data": {}}, {**JOB, "data": {}}]}),
    ],
)
def test_parameters_are_read_before_the_transaction_that_stores_the_key_opens(
    client: Client, path: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    within: list[bool] = []
    monkeypatch.setattr(registry, "validate", lambda *_: within.append(db.in_transaction()))
    sent = {"json": body, "headers": {"Idempotency-Key": "once"}}
    first = client.simulate_post(f"/api/jobs{path}", **sent)
    assert first.status_code == 201
    assert client.simulate_post(f"/api/jobs{path}", **sent).json == first.json
    assert within == [False] * len(body.get("jobs", [body]))  # and not again for the repeated request


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "PYTHONPATH", "HOME"])
def test_a_variable_that_is_not_named_is_refused(client: Client, name: str) -> None:
    result = create(client, command="echo", env={name: "x"})
    assert result.status_code == 403
    assert "COMMANDS_ENV_ALLOWED" in result.json["detail"]


@pytest.mark.parametrize(
    ("data", "field", "says"),
    [
        ({}, "data", "exactly one of command and argv"),
        ({"command": "echo", "argv": ["echo"]}, "data", "exactly one of command and argv"),
        ({"command": "echo 'open"}, "data.command", "No closing quotation"),
        ({"command": "  "}, "data", "names no program"),
        ({"argv": [""]}, "data", "names no program"),
        ({"argv": []}, "data.argv", "at least 1"),
        ({"argv": ["echo", 1]}, "data.argv.1", ""),
        ({"command": "echo a\0b"}, "data.command", "NUL"),
        ({"command": "echo", "env": {"A=B": "c"}}, "data.env.A=B", "no name of a variable"),
        ({"command": "echo", "shell": True}, "data.shell", ""),
        ({"command": "echo " * 1_001}, "data", "more than 1000 words"),
    ],
)
def test_what_is_no_command_is_refused_naming_the_field(
    client: Client, data: dict[str, Any], field: str, says: str
) -> None:
    faults = refusal(create(client, **data))
    assert any(place.startswith(field) and says in message for place, message in faults.items()), faults


def test_where_a_template_is_given_no_word_of_a_caller_begins_an_option(sqlite: str) -> None:
    client = Client(served(given_system(commands_allowed="find /srv -name {}", callback_base_url=None)))
    assert create(client, argv=["find", "/srv", "-name", "a*"]).status_code == 201
    for command in ("find /etc/key -exec head {} ;", "find /srv -name -delete", "find", "find /srv -name a -exec sh"):
        refused = create(client, command=command)
        assert refused.status_code == 403
        assert "only as find /srv -name {}," in refused.json["detail"]


def test_of_many_jobs_the_forbidden_ones_are_told(client: Client) -> None:
    jobs = [{**JOB, "data": {"command": command}} for command in ("echo", "rm")]
    result = client.simulate_post("/api/jobs/bulk", json={"jobs": jobs, "mode": "each"})
    assert result.status_code == 207
    assert "COMMANDS_ALLOWED" in result.text
    assert Job.select().count() == 1


def test_a_job_cannot_be_changed_into_a_command_that_is_not_allowed(client: Client) -> None:
    job_id = client.create(callback_url="http://127.0.0.1:9/x", schedule={"type": "immediate"})
    patch = {"task_type": "run_command", "data": {"command": "rm", "some_key": None}}
    assert client.simulate_patch(f"/api/jobs/{job_id}", json=patch).status_code == 403
