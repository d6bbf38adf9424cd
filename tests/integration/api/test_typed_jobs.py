"""Section 001: jobs by their type, in that system's spelling, beside our own."""

from __future__ import annotations

from typing import Any

import pytest

from api.sources.typed_jobs import resource
from tests.factories import GivenSystem, claim, claim_one, failed, given_system, record, refused, stored_job, succeeded
from tests.integration.api.bodies import LATER, MAIL, TYPED
from tests.integration.api.client import PRINTED, Client, refusal, served

FIELDS = {
    "id",
    "job_type",
    "parameters",
    "status",
    "priority",
    "max_retries",
    "retries",
    "created_at",
    "updated_at",
    "result",
    "schedule_type",
    "scheduled_time",
    "frequency",
    "file_url",
}


def post(client: Client, **body: Any) -> Any:
    return client.simulate_post("/api/jobs/", json={**TYPED, **body})


def create(client: Client, **body: Any) -> Any:
    result = post(client, **body)
    assert result.status_code == 201, result.text
    return result.json


def test_a_job_is_shown_in_both_spellings(client: Client) -> None:
    made = create(client)
    assert made.keys() >= FIELDS
    assert (made["job_type"], made["parameters"], made["status"]) == ("send_email", MAIL, "pending")
    assert (made["task_type"], made["data"], made["schedule"]) == ("send_email", MAIL, {"type": "immediate"})
    assert (made["retries"], made["result"], made["file_url"], made["frequency"]) == (0, None, None, None)
    assert client.simulate_get(f"/api/jobs/{made['id']}/").json == {**made, "usual": None}
    assert client.simulate_get("/api/jobs/").json["results"] == [made]


def test_retries_begin_after_two_seconds_and_are_three(client: Client) -> None:
    stored = stored_job(create(client)["id"])
    assert (stored.max_retries, stored.retry_backoff_base, stored.priority) == (3, 2.0, 5)
    stored = stored_job(create(client, max_retries=1, priority=9)["id"])
    assert (stored.max_retries, stored.priority) == (1, 9)


def test_the_spelling_is_told_by_job_type_or_task_type_and_never_both(client: Client) -> None:
    ours = client.simulate_post("/api/jobs/", json=PRINTED)
    assert (ours.status_code, ours.json["app_name"]) == (201, "app_a")
    both = client.simulate_post("/api/jobs/", json={**PRINTED, **TYPED})
    neither = client.simulate_post("/api/jobs/", json={"parameters": MAIL})
    for result, fault in ((both, resource.BOTH), (neither, resource.NEITHER)):
        assert refusal(result) == {"task_type": fault, "job_type": fault}


@pytest.mark.parametrize(
    ("body", "schedule"),
    [
        ({"schedule_type": "immediate"}, {"type": "immediate"}),
        ({"schedule_type": "scheduled", "scheduled_time": LATER}, {"type": "run_at", "timestamp": LATER}),
        (
            {"schedule_type": "interval", "scheduled_time": LATER, "frequency": "weekly"},
            {"type": "interval", "frequency": "weekly", "starts_at": LATER},
        ),
    ],
)
def test_a_schedule_is_three_words(client: Client, body: dict[str, Any], schedule: dict[str, Any]) -> None:
    made = create(client, **body)
    assert {name: made["schedule"][name] for name in schedule} == schedule
    assert {name: made[name] for name in body} == body
    assert made["next_run_at"] == body.get("scheduled_time")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"job_type": "levitate"}, "job_type"),
        ({"job_type": 5}, "job_type"),
        ({"parameters": {"recipient": "nobody"}}, "parameters"),
        ({"parameters": {**MAIL, "recipients": ["a@example.com"]}}, "parameters"),
        ({"parameters": []}, "parameters"),
        ({"job_type": "upload_file", "parameters": {}}, "parameters"),
        ({"priority": 10}, "priority"),
        ({"max_retries": -1}, "max_retries"),
        ({"schedule_type": "sometimes"}, "schedule_type"),
        ({"schedule_type": "scheduled"}, "scheduled_time"),
        ({"schedule_type": "scheduled", "scheduled_time": "2025-07-01T12:00:00Z"}, "scheduled_time"),
        ({"schedule_type": "immediate", "scheduled_time": LATER}, "scheduled_time"),
        ({"schedule_type": "interval", "frequency": "daily"}, "scheduled_time"),
        ({"schedule_type": "interval", "scheduled_time": LATER}, "frequency"),
        ({"schedule_type": "interval", "scheduled_time": LATER, "frequency": "yearly"}, "frequency"),
        ({"frequency": "daily"}, "frequency"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_member_is_named_as_the_caller_wrote_it(client: Client, body: dict[str, Any], field: str) -> None:
    result = post(client, **body)
    assert {name.partition(".")[0] for name in refusal(result)} == {field}
    assert result.json["error"]
    assert all(isinstance(result.json[name], list) for name in refusal(result))


def test_a_pending_job_is_patched_in_either_spelling(client: Client) -> None:
    made = create(client, schedule_type="scheduled", scheduled_time=LATER)
    path = f"/api/jobs/{made['id']}/"
    other = {**MAIL, "subject": "Other"}
    changed = client.simulate_patch(path, json={"parameters": other, "priority": 7})
    assert changed.status_code == 200, changed.text
    assert (changed.json["parameters"], changed.json["data"], changed.json["priority"]) == (other, other, 7)
    moved = client.simulate_patch(path, json={"scheduled_time": "2026-11-20T15:00:00Z"})
    assert moved.json["next_run_at"] == moved.json["scheduled_time"] == "2026-11-20T15:00:00Z"
    at_once = client.simulate_patch(path, json={"schedule_type": "immediate"})
    assert at_once.json["schedule"] == {"type": "immediate"}
    assert client.simulate_patch(path, json={"data": MAIL}).json["parameters"] == MAIL


def test_an_interval_that_has_begun_may_change_its_pace(client: Client, system: GivenSystem) -> None:
    made = create(client, schedule_type="interval", scheduled_time=LATER, frequency="daily")
    system.clock.advance(86_400)
    changed = client.simulate_patch(f"/api/jobs/{made['id']}", json={"frequency": "weekly"})
    assert (changed.status_code, changed.json["frequency"]) == (200, "weekly")


def test_members_of_parameters_that_a_patch_leaves_out_are_gone(client: Client) -> None:
    made = create(client, parameters={**MAIL, "html": "<b>Welcome</b>"})
    changed = client.simulate_patch(f"/api/jobs/{made['id']}", json={"parameters": MAIL})
    assert changed.json["parameters"] == MAIL


def test_a_patch_with_a_wrong_member_names_it(client: Client) -> None:
    path = f"/api/jobs/{create(client, schedule_type='scheduled', scheduled_time=LATER)['id']}"
    for body, field in (
        ({"scheduled_time": "2025-01-01T00:00:00Z"}, "scheduled_time"),
        ({"job_type": "levitate"}, "job_type"),
        ({"parameters": {"recipient": "nobody"}}, "parameters"),
        ({"retries": 5}, "retries"),
    ):
        fields = {name.partition(".")[0] for name in refusal(client.simulate_patch(path, json=body))}
        assert fields == {field}


def test_a_job_that_is_not_pending_cannot_be_patched(client: Client, system: GivenSystem) -> None:
    made = create(client)
    client.simulate_post(f"/api/jobs/{made['id']}/cancel")
    result = client.simulate_patch(f"/api/jobs/{made['id']}/", json={"priority": 7})
    assert "only a pending job" in refusal(result)["status"]


def test_what_is_queued_or_retrying_shows_and_is_found_as_pending(client: Client, system: GivenSystem) -> None:
    made = create(client)
    waiting = create(client, schedule_type="scheduled", scheduled_time=LATER)
    found = client.simulate_get("/api/jobs/", params={"job_type": "send_email", "status": "pending"}).json
    assert {one["id"] for one in found["results"]} == {made["id"], waiting["id"]}
    assert {one["status"] for one in found["results"]} == {"pending"}
    retrying = create(client, job_type="http", parameters={"url": "https://a.example.com"})
    record(system, claim_one(system), failed())
    found = client.simulate_get("/api/jobs/", params={"job_type": "http", "status": "pending"}).json
    assert [(one["id"], one["status"]) for one in found["results"]] == [(retrying["id"], "pending")]
    assert client.simulate_get("/api/jobs/", params={"job_type": "other"}).json["count"] == 0
    ordered = client.simulate_get("/api/jobs/", params={"ordering": "created_at", "page": 1}).json["results"]
    assert [one["id"] for one in ordered] == [made["id"], waiting["id"], retrying["id"]]
    assert client.simulate_get("/api/jobs/", params={"page": 9}).status_code == 404


@pytest.mark.parametrize("more", [{}, {"task_type": "http"}, {"job_type": "http"}])
def test_a_job_is_found_by_the_status_that_it_shows(client: Client, more: dict[str, str]) -> None:
    request = {"url": "https://a.example.com"}
    typed = create(client, job_type="http", parameters=request)
    ours = client.create(task_type="http", data=request, schedule={"type": "immediate"})
    for job_id, status in ((typed["id"], "pending"), (ours, "queued")):
        found = client.simulate_get("/api/jobs/", params={"status": status, **more}).json["results"]
        assert [(one["id"], one["status"]) for one in found] == [(job_id, status)]
    client.simulate_post("/api/jobs/actions", json={"action": "pause", "filter": {"status": "queued"}})
    statuses = [client.simulate_get(f"/api/jobs/{job_id}").json["status"] for job_id in (typed["id"], ours)]
    assert statuses == ["pending", "paused"]


def test_only_a_failed_job_can_be_retried(client: Client, system: GivenSystem) -> None:
    job_id = client.simulate_post("/api/jobs/", json={**PRINTED, "schedule": {"type": "immediate"}}).json["id"]
    path = f"/api/jobs/{job_id}/retry/"
    result = client.simulate_post(path)
    assert (result.status_code, result.json["error"]) == (400, "Only failed jobs can be retried.")
    [work] = claim(system)
    record(system, work, refused())
    assert client.simulate_get(f"/api/jobs/{job_id}").json["retries"] == 1
    retried = client.simulate_post(path)
    assert (retried.json["status"], set(retried.json)) == ("Job retried.", {"status", "run_id"})
    [work] = claim(system)
    record(system, work, succeeded())
    assert client.simulate_get(f"/api/jobs/{job_id}").json["retries"] == 0


def test_one_mail_is_one_job_and_several_are_an_array(client: Client) -> None:
    one = client.simulate_post("/api/jobs/send-email/", json={**MAIL, "priority": 7})
    assert one.status_code == 201, one.text
    assert (one.json["parameters"], one.json["priority"]) == (MAIL, 7)
    text = {name: MAIL[name] for name in ("subject", "body")}
    two = client.simulate_post("/api/jobs/send-email/", json={**text, "recipients": ["a@example.com", "b@example.com"]})
    assert two.status_code == 201, two.text
    assert [job["parameters"] for job in two.json] == [
        {**text, "recipient": recipient} for recipient in ("a@example.com", "b@example.com")
    ]
    each = client.simulate_post(
        "/api/jobs/send-email/", json={"context": {"a": 1}, "emails": [{**MAIL, "context": {"b": 2}}]}
    )
    assert [job["parameters"] for job in each.json] == [{**MAIL, "context": {"a": 1, "b": 2}}]
    for wrong in ({}, {**MAIL, "recipients": ["a@example.com"]}, {**text, "recipient": "nobody"}):
        assert client.simulate_post("/api/jobs/send-email/", json=wrong).status_code == 400


def test_a_key_creates_one_job(client: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    ids = {client.simulate_post("/api/jobs/", json=TYPED, headers=headers).json["id"] for _ in range(2)}
    assert len(ids) == 1


def test_where_there_is_a_secret_the_app_of_typed_jobs_is_made_and_others_are_not(sqlite: str) -> None:
    client = Client(served(given_system(internal_secret="s")), headers={"X-Internal-Secret": "s"})  # noqa: S106
    create(client)
    assert client.simulate_post("/api/jobs/", json=PRINTED).status_code == 404
