"""Sizes are those of the bytes that are sent: what was got can be put, at every size that was taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.factories import given_system
from tests.integration.api.client import PRINTED, Client, served

MOST = 20_000
LATER = {"type": "run_at", "timestamp": "2030-01-01T00:00:00Z"}
CONTENTS = {
    "letters": "x" * 1_000,
    "three bytes": "漢" * 1_000,
    "four bytes": "\U0001f600" * 1_000,
    "escapes": "\n\t\x01" * 300,
    "numbers": [1] * 1_000,
    "floats that grow": [json.loads("1e15")] * 1_000,
}


@pytest.fixture
def client(sqlite: str) -> Client:
    return Client(served(given_system(max_body_bytes=MOST)))


def sent(body: Any, *, ascii_only: bool = False) -> bytes:
    if ascii_only:
        return json.dumps(body).encode()
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.replace("1000000000000000.0", "1e15").encode()


def filled(body: dict[str, Any], member: str, content: Any) -> dict[str, Any]:
    """The body with so much of a content in a member as a body may hold."""
    one = len(sent({"0000": content})) - 1
    count = (MOST - len(sent({**body, member: {}}))) // one
    return {**body, member: {f"{number:04}": content for number in range(count)}}


def created(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    given = sent(body)
    assert MOST * 0.75 < len(given) <= MOST
    result = client.simulate_post(path, body=given, content_type="application/json")
    assert result.status_code == 201, result.text
    return dict(client.simulate_get(f"{path.removesuffix('/create')}/{result.json['id']}").json)


def edited(client: Client, method: str, path: str, body: Any, *, ascii_only: bool = False) -> dict[str, Any]:
    result = client.simulate_request(
        method, path, body=sent(body, ascii_only=ascii_only), content_type="application/json"
    )
    assert result.status_code == 200, result.text
    return dict(result.json)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("member", ["data", "metadata"])
def test_a_job_at_the_limit_is_patched_and_put_back(client: Client, member: str, content: Any) -> None:
    job = created(client, "/api/jobs/create", filled({**PRINTED, "schedule": LATER}, member, content))
    path = f"/api/jobs/{job['id']}"
    assert edited(client, "PATCH", path, {"priority": 9, "title": "urgent"})[member] == job[member]
    for ascii_only in (False, True):
        got = client.simulate_get(path).json
        assert edited(client, "PUT", path, got, ascii_only=ascii_only) == got
        assert edited(client, "PATCH", path, got, ascii_only=ascii_only) == got


def test_what_patches_add_up_to_is_measured_as_it_is_sent(client: Client) -> None:
    job = created(client, "/api/jobs/create", filled({**PRINTED, "schedule": LATER}, "data", "漢" * 1_000))
    result = client.simulate_patch(f"/api/jobs/{job['id']}", json={"data": {"more": "x" * 4_000}})
    assert result.status_code == 400
    assert [fault["field"] for fault in result.json["errors"]] == ["data"]
    assert f"MAX_BODY_BYTES={MOST}" in result.json["detail"]
    edited(client, "PATCH", f"/api/jobs/{job['id']}", {"data": {"0000": None, "more": "x" * 3_000}})


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_cron_job_of_section_003_at_the_limit_is_patched_and_put_back(client: Client, content: Any) -> None:
    job = created(
        client, "/scheduler/jobs", filled({"name": "n", "cron_expression": "0 0 1 1 *"}, "parameters", content)
    )
    path = f"/scheduler/jobs/{job['id']}"
    assert edited(client, "PATCH", path, {"is_active": False})["parameters"] == job["parameters"]
    for ascii_only in (False, True):
        got = client.simulate_get(path).json
        put = edited(client, "PUT", path, got, ascii_only=ascii_only)
        assert {**put, "updated_at": ""} == {**got, "updated_at": ""}
    assert edited(client, "PATCH", f"/api/jobs/{job['id']}", {"priority": 9})["priority"] == 9


def test_an_app_is_put_back_as_it_was_got(client: Client) -> None:
    request = {"method": "POST", "url": "https://example.com", "body": "漢" * 50}
    body = sent({"task_types": {f"t{number:03}": {"request": request} for number in range(80)}})
    assert len(body) < MOST
    put = client.simulate_put("/api/apps/a", body=body, content_type="application/json")
    assert put.status_code == 201, put.text
    got = client.simulate_get("/api/apps/a").json
    for ascii_only in (False, True):
        assert edited(client, "PUT", "/api/apps/a", got, ascii_only=ascii_only)["task_types"] == got["task_types"]
    renamed = client.simulate_put("/api/apps/a", body=sent({**got, "name": "b"}), content_type="application/json")
    assert renamed.status_code == 400
    assert "that of the app is 'a'" in renamed.json["detail"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_edit_far_larger_than_the_job_is_refused(client: Client, method: str) -> None:
    job_id = client.create(schedule=LATER)
    body = sent({"data": {"x": "x" * 2 * MOST}})
    result = client.simulate_request(method, f"/api/jobs/{job_id}", body=body, content_type="application/json")
    assert result.status_code == 413
