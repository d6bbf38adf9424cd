"""An app's secrets over HTTP: written, listed by name, deleted, never shown; and headers given in plain, masked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from tests.factories import GivenSystem, claim_one, given_system, stored_job
from tests.integration.api.client import Client, refusal, served

KEY = Fernet.generate_key().decode()
APP = "/api/apps/app_a"
REQUEST = {"url": "http://127.0.0.1:9/x", "headers": {"Authorization": "Bearer canary", "X-A": "a"}}
LATER: dict[str, Any] = {"schedule": {"type": "cron", "expression": "0 3 * * *"}}
JOB: dict[str, Any] = {
    "app_name": "app_a",
    "user_id": "u",
    "account_id": "a",
    "task_type": "http",
    "schedule": {"type": "immediate"},
}


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(secret_keys=KEY)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    client = Client(served(system))
    client.simulate_put(APP, json={})
    return client


def put(client: Client, name: str, value: Any) -> Any:
    return client.simulate_put(f"{APP}/secrets/{name}", json={"value": value})


def names(client: Client) -> list[str]:
    return [one["name"] for one in client.simulate_get(f"{APP}/secrets").json["results"]]


def test_a_secret_is_put_listed_by_name_and_deleted(client: Client) -> None:
    assert put(client, "TOKEN", "canary").status_code == 201
    assert put(client, "TOKEN", "canary 2").status_code == 204
    assert put(client, "other", "x" * 64 * 1024).status_code == 201
    listed = client.simulate_get(f"{APP}/secrets")
    assert names(client) == ["TOKEN", "other"]
    assert "canary" not in listed.text
    assert client.simulate_delete(f"{APP}/secrets/TOKEN").status_code == 204
    assert client.simulate_delete(f"{APP}/secrets/TOKEN").status_code == 404
    assert names(client) == ["other"]


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("a-b", "canary", "name"),
        ("1", "canary", "name"),
        ("A", "", "value"),
        ("A", "canary" * 10_923, "value"),
        ("A", "\u00fc" * 32_769, "value"),
        ("A", 17, "value"),
        ("A", ["canary"], "value"),
    ],
)
def test_what_cannot_be_a_secret_is_refused_by_its_field_and_not_repeated(
    client: Client, name: str, value: Any, field: str
) -> None:
    refused = put(client, name, value)
    assert list(refusal(refused)) == [field]
    assert "canary" not in refused.text
    assert names(client) == []


def test_an_app_that_is_not_there_has_no_secrets(client: Client) -> None:
    path = "/api/apps/nobody/secrets"
    answers = (
        client.simulate_get(path),
        client.simulate_put(f"{path}/A", json={"value": "x"}),
        client.simulate_delete(f"{path}/A"),
    )
    assert [one.status_code for one in answers] == [404] * 3


def test_without_a_key_the_setting_is_named(sqlite: str) -> None:
    client = Client(served(given_system()))
    client.simulate_put(APP, json={})
    refused = put(client, "A", "canary")
    assert refused.status_code == 403
    assert "SECRET_KEYS" in refused.json["detail"]


@pytest.mark.parametrize(("internal_secret", "status"), [(None, 201), ("x", 409)], ids=["alone", "with users"])
def test_an_app_that_users_share_keeps_no_secret(sqlite: str, internal_secret: str | None, status: int) -> None:
    client = Client(served(given_system(secret_keys=KEY, internal_secret=internal_secret)))
    shown = {"X-Internal-Secret": "x"}
    client.simulate_put("/api/apps/tasks", json={}, headers=shown)
    result = client.simulate_put("/api/apps/Tasks/secrets/A", json={"value": "canary"}, headers=shown)
    assert result.status_code == status, result.text


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"url": "http://{{secret.HOST}}/x"}, "data.url", "in its host"),
        ({"url": "http://user:canary@x/"}, "data.url", "user name or password"),
        ({"headers": {"X-A": "{{secret.A | upper}}"}}, "data.headers.X-A", "otherwise than"),
        ({"body": ["{{secret.A | upper}}"]}, "data.body", "otherwise than"),
        ({"headers": {"Authorization": "***"}}, "data", "has a mask as its header"),
    ],
)
def test_a_request_that_uses_secrets_otherwise_is_refused(
    client: Client, change: dict[str, Any], field: str, says: str
) -> None:
    result = client.simulate_post("/api/jobs/create", json={**JOB, "data": {**REQUEST, **change}})
    assert says in refusal(result)[field]
    assert "canary" not in result.text


def test_a_header_given_in_plain_is_shown_nowhere_and_sent(client: Client, system: GivenSystem) -> None:
    made = client.simulate_post("/api/jobs/create", json={**JOB, "data": REQUEST})
    job = f"/api/jobs/{made.json['id']}"
    shown = [made, client.simulate_get(job), client.simulate_get("/api/jobs"), client.simulate_get(f"{job}/runs")]
    assert [one.status_code for one in shown] == [201, 200, 200, 200]
    assert "canary" not in "".join(one.text for one in shown)
    assert shown[1].json["data"]["headers"] == {"Authorization": "***", "X-A": "a"}
    assert claim_one(system).data == REQUEST


def test_an_edit_of_what_is_shown_keeps_the_header_behind_its_mask(client: Client) -> None:
    later = {"type": "delay_from_now", "duration_seconds": 60}
    job_id = client.create(**{**JOB, "schedule": later, "data": REQUEST})
    data = client.simulate_get(f"/api/jobs/{job_id}").json["data"]
    edited = client.simulate_patch(f"/api/jobs/{job_id}", json={"data": {**data, "method": "PUT"}})
    assert edited.status_code == 200, edited.text
    assert stored_job(UUID(job_id)).data == {**REQUEST, "method": "PUT"}


def test_an_apps_request_is_shown_masked_and_may_come_back_so(client: Client, system: GivenSystem) -> None:
    table = {"task_types": {"report": {"request": REQUEST}}}
    shown = client.simulate_put(APP, json=table)
    assert "canary" not in shown.text
    assert shown.json["task_types"]["report"]["request"]["headers"] == {"Authorization": "***", "X-A": "a"}
    again = client.simulate_put(APP, json=shown.json)
    assert again.status_code == 200, again.text
    client.create(**{**JOB, "task_type": "report", "data": None})
    assert claim_one(system).target.request == REQUEST


def test_a_mask_with_nothing_behind_it_is_refused(client: Client) -> None:
    table = {"task_types": {"report": {"request": {**REQUEST, "headers": {"Cookie": "***"}}}}}
    assert list(refusal(client.simulate_put(APP, json=table))) == ["task_types.report.request.headers.Cookie"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:10/x", "http://127.0.0.1/x", "https://127.0.0.1:9/x", "http://localhost:9/x"]
)
def test_a_masked_header_is_not_read_by_sending_it_elsewhere(client: Client, url: str) -> None:
    table = {"task_types": {"report": {"request": REQUEST}}}
    assert client.simulate_put(APP, json=table).status_code == 200
    job = client.simulate_post("/api/jobs/create", json={**JOB, **LATER, "data": REQUEST}).json["id"]
    path = f"/api/jobs/{job}"
    field = "headers.Authorization"
    masked = client.simulate_get(path).json["data"]
    for data in ({"url": url}, {**masked, "url": url}):
        refused = refusal(client.simulate_patch(path, json={"data": data}))
        assert list(refused) == [f"data.{field}"]
        assert "value again" in refused[f"data.{field}"]
    table["task_types"]["report"]["request"] = {**masked, "url": url}
    assert list(refusal(client.simulate_put(APP, json=table))) == [f"task_types.report.request.{field}"]


def test_a_masked_header_is_put_back_at_the_same_address_and_given_anew_for_another(client: Client) -> None:
    job = client.simulate_post("/api/jobs/create", json={**JOB, **LATER, "data": REQUEST}).json["id"]
    path = f"/api/jobs/{job}"
    assert client.simulate_patch(path, json={"data": {"url": "http://127.0.0.1:9/y"}}).status_code == 200
    assert stored_job(UUID(job)).data["headers"] == REQUEST["headers"]
    elsewhere = {"url": "http://127.0.0.1:10/", "headers": {"Authorization": "Bearer new"}}
    assert client.simulate_patch(path, json={"data": elsewhere}).status_code == 200
    assert stored_job(UUID(job)).data["headers"]["Authorization"] == "Bearer new"
