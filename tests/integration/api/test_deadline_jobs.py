"""Section 004: priorities in words, deadlines, and nothing changed once it has begun."""

from __future__ import annotations

from typing import Any

import pytest

from services.jobs import editing
from tests.factories import GivenSystem, claim, claim_one, failed, record, stored_job, succeeded
from tests.integration.api.client import Client, refusal

LATER, LATEST = "2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"
REPORT = {"name": "Report", "estimated_duration": 30, "priority": "high", "deadline": LATER}


def create(client: Client, **body: Any) -> Any:
    result = client.simulate_post("/jobs/api/jobs/", json={**REPORT, **body})
    assert result.status_code == 201, result.text
    return result.json


def names(client: Client, **params: Any) -> list[str]:
    return [one["name"] for one in client.simulate_get("/jobs/api/jobs/", params=params).json]


@pytest.mark.parametrize(
    ("given", "stored", "shown"),
    [("low", 2, "low"), ("medium", 5, "medium"), ("high", 8, "high"), (3, 3, "low"), (4, 4, "medium"), (7, 7, "high")],
)
def test_priorities_are_told_in_words(client: Client, given: str | int, stored: int, shown: str) -> None:
    made = create(client, priority=given)
    assert (made["priority"], stored_job(made["id"]).priority) == (shown, stored)


def test_a_job_calls_back_with_its_members_and_takes_no_time_by_itself(client: Client) -> None:
    job = stored_job(create(client)["id"])
    assert (job.task_type, job.schedule_kind) == ("job", "immediate")
    assert job.data == {**REPORT, "deadline": "2026-11-20T13:00:00+00:00"}
    assert stored_job(create(client, task_type="render")["id"]).task_type == "render"


def test_the_more_urgent_go_first_and_among_them_the_nearest_deadline(client: Client, system: GivenSystem) -> None:
    made = {
        name: create(client, name=name, priority=priority, deadline=deadline)["id"]
        for name, priority, deadline in (
            ("d", "low", LATER),
            ("c", "medium", LATEST),
            ("b", "high", LATEST),
            ("a", "high", LATER),
        )
    }
    order = [str(claim_one(system).job_id) for _ in made]
    assert order == [made[name] for name in "abcd"]


@pytest.mark.parametrize("deadline", ["2026-11-20T12:00:00Z", "2025-01-01T00:00:00Z"])
def test_a_deadline_that_has_passed_is_refused(client: Client, deadline: str) -> None:
    result = client.simulate_post("/jobs/api/jobs/", json={**REPORT, "deadline": deadline})
    assert "has passed" in refusal(result)["deadline"]
    assert "has passed" in result.json["deadline"][0]
    assert "error" not in result.json


def test_what_was_got_can_be_put_with_changes_while_it_waits(client: Client) -> None:
    made = create(client)
    path = f"/jobs/api/jobs/{made['id']}/"
    assert client.simulate_put(path, json=made).json == made
    changed = client.simulate_put(path, json={**made, "name": "Other", "priority": "low", "deadline": LATEST})
    assert changed.status_code == 200, changed.text
    assert {**made, "name": "Other", "priority": "low", "deadline": LATEST} == changed.json


def test_what_004_has_no_word_for_stays(client: Client) -> None:
    made = create(client, priority=9)
    path = f"/jobs/api/jobs/{made['id']}/"
    client.simulate_patch(f"/api/jobs/{made['id']}", json={"max_retries": 9})
    client.simulate_put(path, json={**made, "name": "Other"})
    job = stored_job(made["id"])
    assert (job.title, job.priority, job.max_retries) == ("Other", 9, 9)
    client.simulate_put(path, json={**made, "priority": 8})
    assert stored_job(made["id"]).priority == 8


@pytest.mark.parametrize("duration", ["30", "0.5", '"half an hour"'])
def test_a_duration_is_shown_as_it_was_given(client: Client, duration: str) -> None:
    result = client.simulate_post("/jobs/api/jobs", body=f'{{"name": "n", "estimated_duration": {duration}}}')
    assert f'"estimated_duration":{duration},' in result.text


def test_what_runs_or_has_run_cannot_be_changed(client: Client, system: GivenSystem) -> None:
    made = create(client)
    path = f"/jobs/api/jobs/{made['id']}/"

    def refused(status: str) -> None:
        assert client.simulate_get(path).json["status"] == status
        for result in (client.simulate_put(path, json=REPORT), client.simulate_delete(path)):
            assert result.status_code == 400
            assert "cannot be changed" in result.json["detail"]

    [work] = claim(system)
    refused("running")
    record(system, work, succeeded())
    refused("completed")


def test_what_waits_to_be_tried_again_is_said_to_have_run(client: Client, system: GivenSystem) -> None:
    path = f"/jobs/api/jobs/{create(client)['id']}/"
    record(system, claim_one(system), failed())
    assert client.simulate_get(path).json["status"] == "pending"
    assert "is pending, but it has run before" in client.simulate_put(path, json=REPORT).json["detail"]


def test_a_job_that_begins_while_it_is_being_deleted_stays(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/jobs/api/jobs/{create(client)['id']}/"
    delete = editing.delete

    def begin_then_delete(*args: Any, **options: Any) -> None:
        claim_one(system)
        delete(*args, **options)

    monkeypatch.setattr(editing, "delete", begin_then_delete)
    assert client.simulate_delete(path).status_code == 400
    assert client.simulate_get(path).json["status"] == "running"


def test_a_waiting_job_can_be_deleted(client: Client, system: GivenSystem) -> None:
    path = f"/jobs/api/jobs/{create(client)['id']}/"
    assert client.simulate_delete(path).status_code == 204
    assert client.simulate_get(path).status_code == 404
    assert claim(system) == []


def test_statistics_count_the_jobs_of_every_section(client: Client, system: GivenSystem) -> None:
    create(client)
    create(client, priority="low")
    client.create()  # a polling job, of section 000
    system.clock.advance(6)
    record(system, claim_one(system), succeeded())
    assert client.simulate_get("/jobs/api/jobs/stats/").json == {
        "status_counts": {"pending": 2, "running": 0, "completed": 1, "failed": 0, "cancelled": 0, "paused": 0},
        "priority_counts": {"high": 1, "medium": 1, "low": 1},
        "avg_wait_time": 6.0,
        "total_jobs": 3,
    }


def test_jobs_are_searched_by_name_and_sorted(client: Client) -> None:
    for name, priority in (("Backup", "low"), ("Report", "high"), ("Backup", "medium")):
        create(client, name=name, priority=priority)
    assert names(client, search="back") == ["Backup", "Backup"]
    assert names(client, ordering="-priority") == ["Report", "Backup", "Backup"]
    assert names(client, ordering="name") == ["Backup", "Backup", "Report"]
    assert names(client, ordering="-name", limit=2) == ["Report", "Backup"]


def test_executions_are_a_bare_array(client: Client, system: GivenSystem) -> None:
    made = create(client)
    path = f"/jobs/api/jobs/{made['id']}/executions/"
    assert client.simulate_get(path).json == []
    work = claim_one(system)
    system.clock.advance(2)
    record(system, work, succeeded())
    [execution] = client.simulate_get(path).json
    assert (execution["job"], execution["success"], execution["duration"]) == (made["id"], True, 2.0)
    assert client.simulate_get(f"/jobs/api/jobs/{client.create()}/executions/").status_code == 404
