"""Section 002: tasks are commands, in that system's words."""

from __future__ import annotations

from typing import Any

import pytest

from core.retry import after_failure
from services.execution import claiming, workers
from services.messaging import broker as brokers
from services.scheduling import dispatching
from tests.factories import NOON, GivenSystem, failed, given_system, record, stored_job, succeeded
from tests.integration.api.client import Client, served
from tests.integration.api.people import token_of

LATER = "2026-11-20T13:00:00Z"
FIELDS = {
    "id",
    "user",
    "command",
    "scheduled_time",
    "status",
    "retry_count",
    "created_at",
    "started_at",
    "finished_at",
    "failed_at",
    "metadata",
}


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(commands_allowed="echo", admin_usernames="root")


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system), headers=token_of(Client(served(system)), "anna"))


def create(client: Client, **body: Any) -> Any:
    result = client.simulate_post("/api/tasks/", json={"command": "echo hello", **body})
    assert result.status_code == 201, result.text
    return result.json


def test_a_task_is_shown_with_whose_it_is(client: Client) -> None:
    made = create(client, scheduled_time=LATER, metadata={"a": [1]})
    assert set(made) == FIELDS
    assert (made["user"]["username"], made["command"], made["scheduled_time"]) == ("anna", "echo hello", LATER)
    assert (made["status"], made["retry_count"], made["metadata"]) == ("queued", 0, {"a": [1]})
    assert client.simulate_get(f"/api/tasks/{made['id']}/").json == made
    assert client.simulate_get("/api/tasks/").json == [made]


def test_each_sees_their_own_tasks_and_an_administrator_sees_all(client: Client, system: GivenSystem) -> None:
    made = create(client)
    berta, root = (token_of(Client(served(system)), name) for name in ("berta", "root"))
    assert client.simulate_get("/api/tasks/", headers=root).json == [made]
    assert client.simulate_get("/api/tasks/", headers=berta).json == []
    for method in ("GET", "PUT", "DELETE"):
        path = f"/api/tasks/{made['id']}/"
        assert client.simulate_request(method, path, json=made, headers=berta).status_code == 404


def test_a_failed_command_is_tried_again_every_thirty_seconds_four_times(client: Client, system: GivenSystem) -> None:
    assert stored_job(create(client)["id"]).max_retries == 4
    [work] = claiming.claim(system, workers.register(system), brokers.RUNS_COMMAND, 1)
    error = failed().error
    waits = [after_failure(work.policy, failures, error, 0.0).wait_seconds for failures in range(1, 6)]
    assert waits == [30, 30, 30, 30, None]


def test_an_instant_that_has_passed_is_refused(client: Client) -> None:
    for past in ("2026-11-20T12:00:00Z", "2025-01-01T00:00:00"):
        result = client.simulate_post("/api/tasks/", json={"command": "echo", "scheduled_time": past})
        assert result.status_code == 400
        assert "has passed" in result.json["scheduled_time"][0]


@pytest.mark.parametrize("body", [{}, {"command": ""}, {"command": 5}, {"command": "echo 'x"}])
def test_a_wrong_command_is_named_as_the_caller_wrote_it(client: Client, body: dict[str, Any]) -> None:
    result = client.simulate_post("/api/tasks/", json=body)
    assert result.status_code == 400
    assert result.json["command"]
    assert result.json["error"]


def test_a_program_that_is_not_allowed_is_refused_with_403(client: Client) -> None:
    result = client.simulate_post("/api/tasks/", json={"command": "rm -rf /"})
    assert result.status_code == 403
    assert "COMMANDS_ALLOWED" in result.json["error"]


def test_what_was_got_can_be_put_with_changes(client: Client) -> None:
    made = create(client, scheduled_time=LATER)
    path = f"/api/tasks/{made['id']}/"
    changed = client.simulate_put(path, json={**made, "command": "echo more"})
    assert changed.status_code == 200, changed.text
    assert changed.json == {**made, "command": "echo more"}
    refused = client.simulate_put(path, json={**made, "status": "success"})
    assert refused.status_code == 400
    assert "cannot be changed" in str(refused.json["errors"])


def test_the_statuses_have_the_words_of_the_document(client: Client, system: GivenSystem) -> None:
    made = create(client)
    path = f"/api/tasks/{made['id']}"

    def status() -> str:
        return str(client.simulate_get(path).json["status"])

    assert status() == "queued"
    worker = workers.register(system)
    [work] = claiming.claim(system, worker, brokers.RUNS_COMMAND, 1)
    assert status() == "running"
    record(system, work, failed())
    retrying_task = client.simulate_get(path).json
    assert (retrying_task["status"], retrying_task["retry_count"]) == ("queued", 1)
    system.clock.advance(60)
    dispatching.make_due(system, [work.run_id])
    [work] = claiming.claim(system, worker, brokers.RUNS_COMMAND, 1)
    record(system, work, succeeded())
    done = client.simulate_get(path).json
    assert done["status"] == "success"
    assert done["finished_at"] > NOON.isoformat()
    assert done["failed_at"] is None


def test_a_deleted_task_is_gone(client: Client) -> None:
    made = create(client, scheduled_time=LATER)
    assert client.simulate_delete(f"/api/tasks/{made['id']}/").status_code == 204
    assert client.simulate_get(f"/api/tasks/{made['id']}/").status_code == 404
    assert client.simulate_get("/api/tasks/").json == []


def test_a_job_of_another_section_is_no_task(client: Client) -> None:
    other = client.simulate_post("/jobs/api/jobs/", json={"name": "Report"}).json["id"]
    assert client.simulate_get(f"/api/tasks/{other}").status_code == 404


def test_a_job_of_its_app_that_is_no_command_is_no_task(system: GivenSystem) -> None:
    client = Client(served(system))
    root = token_of(client, "root")
    other = client.create(app_name="tasks")
    assert client.simulate_get("/api/tasks/", headers=root).json == []
    assert client.simulate_get(f"/api/tasks/{other}", headers=root).status_code == 404


def test_what_002_has_no_word_for_stays(client: Client, system: GivenSystem) -> None:
    made = create(client, scheduled_time=LATER)
    Client(served(system)).simulate_patch(f"/api/jobs/{made['id']}", json={"max_retries": 9, "priority": 8})
    client.simulate_put(f"/api/tasks/{made['id']}/", json={**made, "command": "echo more"})
    job = stored_job(made["id"])
    assert (job.data, job.max_retries, job.priority) == ({"command": "echo more"}, 9, 8)
