"""Secrets in an address that is called: masked wherever the job is shown, put back where it comes back unchanged."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.factories import stored_job
from tests.integration.api.client import Client, refusal

SECRET = "https://app.example.com/hook?api_key=CANARY&page=2"  # noqa: S105
SHOWN = "https://app.example.com/hook?api_key=***&page=2"
LATER = {"type": "delay_from_now", "duration_seconds": 3_600}
CALLBACK: dict[str, Any] = {"schedule": LATER, "callback_url": SECRET}
REQUEST: dict[str, Any] = {"schedule": LATER, "task_type": "http", "data": {"url": SECRET}}


def address_of(job: Any) -> Any:
    return job["data"]["url"] if job["task_type"] == "http" else job["callback_url"]


@pytest.fixture(params=[CALLBACK, REQUEST], ids=["callback", "request"])
def path(client: Client, request: pytest.FixtureRequest) -> str:
    return f"/api/jobs/{client.create(**request.param)}"


def stored_at(path: str) -> Any:
    job = stored_job(UUID(path.rpartition("/")[2]))
    return job.data["url"] if job.task_type == "http" else job.callback_url


def test_the_address_is_shown_without_its_secrets_and_stored_with_them(client: Client, path: str) -> None:
    assert address_of(client.simulate_get(path).json) == SHOWN
    assert stored_at(path) == SECRET
    for shown in (path, "/api/jobs", f"{path}/versions", f"{path}/versions/1", "/api/audit"):
        answer = client.simulate_get(shown)
        assert answer.status_code == 200
        assert "CANARY" not in answer.text


def test_what_was_got_is_put_back_with_the_secret(client: Client, path: str) -> None:
    got = client.simulate_get(path).json
    for change in ({"title": "Another"}, {"callback_url": got["callback_url"]}, {"data": got["data"]}):
        assert client.simulate_patch(path, json=change).status_code == 200
    assert stored_at(path) == SECRET


def test_a_masked_address_is_not_read_by_sending_its_secret_elsewhere(client: Client, path: str) -> None:
    got = client.simulate_get(path).json
    elsewhere = SHOWN.replace("app.example.com", "evil.example.com")
    member = {"data": {"url": elsewhere}} if got["task_type"] == "http" else {"callback_url": elsewhere}
    [message] = refusal(client.simulate_patch(path, json=member)).values()
    assert "give the whole address" in message
    assert stored_at(path) == SECRET


@pytest.mark.parametrize("new", [{"callback_url": SHOWN}, {"task_type": "http", "data": {"url": SHOWN}}])
def test_a_new_job_has_no_masked_address(client: Client, new: dict[str, Any]) -> None:
    [message] = client.refused(schedule=LATER, **new).values()
    assert "give the whole address" in message


def test_the_request_of_a_task_type_is_masked_and_put_back_likewise(client: Client) -> None:
    app = "/api/apps/app_a"
    assert client.simulate_put(app, json={"task_types": {"report": {"request": {"url": SECRET}}}}).status_code == 201
    shown = client.simulate_get(app)
    assert "CANARY" not in shown.text
    assert client.simulate_put(app, json={"task_types": shown.json["task_types"]}).status_code == 200
    wrong = {"report": {"request": {"url": SHOWN.replace("hook", "other")}}}
    assert list(refusal(client.simulate_put(app, json={"task_types": wrong}))) == ["task_types.report.request.url"]
