"""What users may make of their own jobs, and what administrators leave as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.schemas.bulk import MAX_JOBS
from api.sources.typed_jobs.email_schema import MAX_BYTES
from tests.factories import GivenSystem, given_system, stored_job
from tests.integration.api.bodies import LATER, MAIL, TYPED
from tests.integration.api.client import PRINTED, Client, refusal, served
from tests.integration.api.people import HIDDEN, SECRET, token_of
from tests.integration.files.uploading import PATH, form, spooled

KEY = {"Idempotency-Key": "1"}
SCHEDULED = {**TYPED, "schedule_type": "scheduled", "scheduled_time": LATER}


@pytest.fixture
def system(store: str, tmp_path: Path) -> GivenSystem:
    return given_system(internal_secret=SECRET, admin_usernames="root", commands_allowed="echo", data_dir=tmp_path)


@pytest.fixture
def anna(client: Client) -> dict[str, str]:
    return token_of(client, "anna")


def made(client: Client, headers: dict[str, str], body: dict[str, Any], path: str = "/api/jobs") -> dict[str, Any]:
    result = client.simulate_post(path, json=body, headers=headers)
    assert result.status_code == 201, result.text
    job: dict[str, Any] = result.json
    return job


def test_a_key_is_its_callers_own(client: Client, anna: dict[str, str]) -> None:
    berta = token_of(client, "berta")
    ids = {made(client, {**who, **KEY}, TYPED)["id"] for who in (anna, anna, berta, HIDDEN)}
    assert len(ids) == 3
    assert made(client, {**anna, "Idempotency-Key": "2"}, TYPED)["id"] not in ids


def test_a_key_is_its_apps_own(client: Client) -> None:
    for app in ("app_a", "app_b"):
        client.simulate_put(f"/api/apps/{app}", headers=HIDDEN, json={"callback_base_url": "http://127.0.0.1:9"})
    bodies: list[tuple[str, Any]] = [
        (path, wrap({**PRINTED, "app_name": app}))
        for app in ("app_a", "app_b")
        for path, wrap in (
            ("/api/jobs", dict),
            ("/api/jobs/create", dict),
            ("/api/jobs/bulk", lambda job: {"jobs": [job]}),
        )
    ]
    statuses = [
        client.simulate_post(path, json=body, headers={**HIDDEN, **KEY}).status_code for path, body in bodies * 2
    ]
    assert statuses == [201] * 12
    assert client.simulate_get("/api/jobs", headers=HIDDEN).json["count"] == 6


def test_a_key_that_comes_with_another_body_is_a_422_in_either_spelling(client: Client, anna: dict[str, str]) -> None:
    made(client, {**anna, **KEY}, TYPED)
    again = client.simulate_post("/api/jobs", json={**TYPED, "priority": 3}, headers={**anna, **KEY})
    assert again.status_code == 422
    assert "Idempotency-Key" in again.json["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"task_type": "anything", "callback_url": "http://127.0.0.1:15672/api/overview"},
        {"task_type": "anything"},
        {"account_id": "berta"},
        {"user_id": "berta"},
        {"time_limit_seconds": 3600},
        {"retry_backoff_base": 1},
        {"tags": ["x"]},
        {"metadata": {"a": 1}},
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_user_cannot_make_their_job_one_of_an_app(
    client: Client, system: GivenSystem, anna: dict[str, str], change: dict[str, Any], method: str
) -> None:
    job = made(client, anna, SCHEDULED)
    path, before = f"/api/jobs/{job['id']}", stored_job(job["id"]).__data__
    body = change if method == "PATCH" else {**job, **change}
    result = client.simulate_request(method, path, headers=anna, json=body)
    assert result.status_code in (400, 403), result.text
    assert stored_job(job["id"]).__data__ == before


def test_a_user_changes_what_is_theirs_in_either_spelling(client: Client, anna: dict[str, str]) -> None:
    path = f"/api/jobs/{made(client, anna, SCHEDULED)['id']}"
    other = {**MAIL, "subject": "Other"}
    for change in (
        {"parameters": other},
        {"data": MAIL},
        {"priority": 7},
        {"max_retries": 1},
        {"schedule": {"type": "run_at", "timestamp": "2026-11-21T12:00:00Z"}},
        {"job_type": "run_command", "parameters": {"command": "echo a"}},
    ):
        assert client.simulate_patch(path, headers=anna, json=change).status_code == 200, change
    shown = client.simulate_get(path, headers=anna).json
    assert client.simulate_put(path, headers=anna, json=shown).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "edit"),
    [
        ("/jobs/api/jobs/", {"name": "a", "priority": "low"}, ("PUT", {"name": "b"})),
        ("/scheduler/jobs/", {"name": "a", "cron_expression": "0 5 * * *"}, ("PATCH", {"name": "b"})),
        ("/scheduler/jobs/", {"name": "a", "cron_expression": "0 5 * * *"}, ("PUT", {"name": "b"})),
        ("/api/tasks/", {"command": "echo a", "scheduled_time": LATER}, ("PUT", {"command": "echo b"})),
    ],
)
def test_an_administrators_edit_leaves_a_job_to_its_account(
    client: Client, anna: dict[str, str], path: str, body: dict[str, Any], edit: tuple[str, Any]
) -> None:
    method, change = edit
    job = made(client, anna, body, path)
    wanted = {**job, **change} if method == "PUT" else change
    result = client.simulate_request(method, f"{path}{job['id']}", headers=token_of(client, "root"), json=wanted)
    assert result.status_code == 200, result.text
    assert result.json.items() >= change.items()
    stored = stored_job(job["id"])
    assert (stored.account_id, stored.user_id) == ("anna", "anna")


def test_a_user_can_upload_a_file_as_the_first_thing_of_all(client: Client, anna: dict[str, str]) -> None:
    request = form()
    result = client.simulate_post(PATH, body=request["body"], headers={**request["headers"], **anna})
    assert (result.status_code, result.json["app_name"]) == (201, "default"), result.text


def test_what_a_user_leaves_in_the_spool_is_bounded(store: str, tmp_path: Path) -> None:
    system = given_system(internal_secret=SECRET, max_upload_bytes=10, max_waiting_upload_bytes=10, data_dir=tmp_path)
    client = Client(served(system))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")

    def send(who: dict[str, str], size: int) -> Any:
        request = form(bytes(size), schedule_type="scheduled", scheduled_time="2099-01-01T00:00:00Z")
        return client.simulate_post(PATH, body=request["body"], headers={**request["headers"], **who})

    first = send(anna, 6)
    refused = send(anna, 5)
    assert (refused.status_code, "MAX_WAITING_UPLOAD_BYTES=10" in refused.json["detail"]) == (403, True)
    assert len(spooled(system)) == 1
    taken = [send(who, size).status_code for who, size in ((anna, 4), (berta, 10), (HIDDEN, 10), (HIDDEN, 10))]
    assert taken == [201, 201, 201, 201]
    client.simulate_delete(f"/api/jobs/{first.json['id']}", headers=anna)
    assert send(anna, 6).status_code == 201


def test_mails_in_one_request_are_bounded_in_number_and_in_bytes(client: Client, anna: dict[str, str]) -> None:
    def send(count: int, body: str, **more: Any) -> Any:
        recipients = [f"a{number}@example.com" for number in range(count)]
        mails = {"recipients": recipients, "subject": "s", "body": body, **more}
        return client.simulate_post("/api/jobs/send-email", headers=anna, json=mails)

    whole = send(MAX_JOBS, "b")
    assert [job["parameters"]["recipient"] for job in whole.json][::999] == ["a0@example.com", "a999@example.com"]
    assert str(MAX_JOBS) in refusal(send(MAX_JOBS + 1, "b"))["body"]
    assert str(MAX_BYTES) in refusal(send(MAX_JOBS, "b", context={"a": "b" * (MAX_BYTES // MAX_JOBS)}))["body"]
