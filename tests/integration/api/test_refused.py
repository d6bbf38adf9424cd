"""What the API refuses, and what is not there: each a problem that says what is wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import falcon.asgi
import falcon.testing
import pytest

from api import bodies
from api.app import App
from models import database
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal, served
from tests.integration.api.people import token_of


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"schedule": {"type": "lunar"}}, {"schedule.type"}),
        ({"schedule": {"type": "cron", "expression": "0 0 31 2 *"}}, {"schedule.expression"}),
        ({"schedule": {"type": "delay_from_now", "duration_seconds": -1}}, {"schedule.duration_seconds"}),
        ({"schedule": {"type": "run_at", "timestamp": "9999-12-31T23:59:59Z"}}, {"schedule.timestamp"}),
        ({"owner": 1, "schedule": {"type": "immediate", "x": 1}}, {"owner", "schedule.x"}),
        ({"app_name": 5, "priority": "5"}, {"app_name", "priority"}),
        ({"data": {"text": "a\0b"}}, {"data.text"}),
    ],
)
def test_a_wrong_job_is_refused_naming_every_field(
    client: Client, system: GivenSystem, changes: dict[str, Any], fields: set[str]
) -> None:
    assert set(client.refused(**changes)) == fields
    assert system.doorbell.heard() == []
    assert client.simulate_get("/api/jobs").json["count"] == 0


def test_a_schedule_that_is_over_is_refused(client: Client) -> None:
    ended = {"type": "cron", "expression": "* * * * *", "ends_at": "2020-01-01T00:00:00Z"}
    assert set(client.refused(schedule=ended)) == {"schedule"}
    assert client.simulate_get("/api/apps/app_a").status_code == 404


def test_a_job_that_has_nobody_to_call_is_refused(sqlite: str) -> None:
    client = Client(served(given_system(callback_base_url=None)))
    assert set(client.refused()) == {"callback_url"}


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000, b'{"a":' * 33 + b"1" + b"}" * 33])
def test_a_body_that_is_no_json_or_nests_too_deeply_is_refused(client: Client, body: bytes) -> None:
    result = client.simulate_post("/api/jobs/create", body=body, content_type="application/json")
    assert result.status_code == 400


@pytest.mark.parametrize(("levels", "status"), [(32, 201), (33, 400)])
@pytest.mark.parametrize(("opening", "end"), [('{"a":', "}"), ("[", "]")])
def test_a_body_nests_thirty_two_levels_at_most(
    client: Client, opening: str, end: str, levels: int, status: int
) -> None:
    """Whatever it nests in: the body itself, `data`, and a member of it are the first levels."""
    inner = levels - 2
    nested = json.loads(opening * inner + "1" + end * inner)
    result = client.simulate_post("/api/jobs/create", json={**PRINTED, "data": {"deep": nested}})
    assert result.status_code == status, result.text
    assert status == 201 or result.json["title"] == "The body nests too deeply"


def test_a_page_of_whatever_list_has_a_hundred_at_most(client: Client) -> None:
    longer = {"/api/jobs/{job_id}/occurrences", "/api/runs/{run_id}/log", "/api/upcoming", "/api/users"}
    limited = {
        path
        for path, methods in client.simulate_get("/openapi.json").json["paths"].items()
        if any(one["name"] == "limit" for one in methods.get("get", {}).get("parameters", []))
    }
    assert len(limited - longer) > 10
    assert longer < limited, "lists whose rows are small have their own bounds"
    job = client.simulate_post("/jobs/api/jobs", json={"name": "Report"}).json["id"]
    anna = token_of(client, "anna")
    for path in limited - longer:
        asked = path.replace("{job_id}", job).replace("{day}", "2026-11-19")
        who = anna if path == "/api/tasks" else {}
        assert refusal(client.simulate_get(asked, params={"limit": "101"}, headers=who)).keys() == {"limit"}, path


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_that_is_declared_something_else_is_refused(client: Client, content_type: str) -> None:
    body = json.dumps(PRINTED)
    result = client.simulate_post("/api/jobs/create", body=body, content_type=content_type)
    assert result.status_code == 415


def test_a_declared_body_too_large_is_refused_unread(client: Client) -> None:
    large = json.dumps({**PRINTED, "data": {"text": "x" * 2 * 1024 * 1024}})
    result = client.simulate_post("/api/jobs/create", body=large, content_type="application/json")
    assert result.status_code == 413


def test_a_chunked_body_too_large_is_refused_as_soon_as_it_is(system: GivenSystem) -> None:
    status, problem, taken = asyncio.run(_send_chunked(served(system), chunks=32, size=64 * 1024))
    assert (status, problem["status"]) == (413, 413)
    assert taken <= 18  # 16 chunks fill 1 MiB


def test_a_chunked_body_within_the_limit_is_taken(system: GivenSystem) -> None:
    status, problem, _taken = asyncio.run(_send_chunked(served(system), chunks=4, size=1024))
    assert (status, problem["title"]) == (400, "The body is not JSON")


async def _send_chunked(app: App, chunks: int, size: int) -> tuple[int, dict[str, Any], int]:
    """Send a body of no declared length; the status, the problem, and how many chunks were taken."""
    scope = falcon.testing.create_scope("/api/jobs/create", method="POST", host="127.0.0.1")
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
    taken = 0
    events: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * size, "more_body": taken < chunks}

    async def send(event: Any) -> None:
        events.append(event)

    await app(scope, cast("Any", receive), send)
    body = b"".join(event.get("body", b"") for event in events)
    return events[0]["status"], json.loads(body), taken


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/jobs/not-a-uuid", 404),
        ("GET", "/api/jobs/not-a-uuid/status", 404),
        ("POST", "/api/jobs/not-a-uuid/cancel", 404),
        ("GET", f"/api/jobs/{NO_JOB}", 404),
        ("GET", f"/api/jobs/{NO_JOB}/status", 404),
        ("GET", f"/api/jobs/{NO_JOB}/runs", 404),
        ("GET", f"/api/runs/{NO_JOB}", 404),
        ("POST", f"/api/jobs/{NO_JOB}/cancel", 404),
        ("POST", f"/api/jobs/{NO_JOB}/pause", 404),
        ("POST", f"/api/jobs/{NO_JOB}/resume", 404),
        ("GET", "/api/apps/unknown", 404),
        ("GET", "/api/apps/a%00b", 404),
        ("GET", "/swagger/__init__.py", 404),
        ("GET", "/swagger/..%2f__init__.py", 404),
        ("GET", "/api/jobs/create", 405),
        ("DELETE", "/api/jobs", 405),
        ("BREW", "/api/jobs", 400),
        ("GET", "/api/jobs?limit=1000", 400),
        ("GET", "/api/jobs?account_id=%00", 400),
        ("GET", f"/api/jobs/{NO_JOB}/runs?page=1", 400),
    ],
)
def test_what_is_not_there_or_not_allowed_is_a_problem(client: Client, method: str, path: str, status: int) -> None:
    path, _, query = path.partition("?")
    result = client.simulate_request(method, path, query_string=query)
    assert result.status_code == status
    assert ("Allow" in result.headers) == (status == 405)


def test_what_is_unforeseen_tells_nothing(system: GivenSystem, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(system.clock, "now", broken)
    result = client.simulate_post("/api/jobs/create", json=PRINTED)
    assert result.status_code == 500
    assert "canary" not in result.text


def test_a_database_that_is_away_is_told_as_such(client: Client, tmp_path: Path) -> None:
    database.connect(f"sqlite:///{tmp_path}", "test")  # a folder cannot be opened
    result = client.simulate_post("/api/jobs/create", json=PRINTED)
    assert result.status_code == 503
    assert result.headers["Retry-After"] == "1"
    assert str(tmp_path) not in result.text


@pytest.mark.parametrize("spelling", ["{hex}", "%7B{id}%7D", "urn:uuid:{id}", "%0A{id}", "%D9%A0{tail}"])
def test_an_id_in_another_spelling_than_ours_is_not_found(client: Client, spelling: str) -> None:
    job_id = client.create()
    written = spelling.format(id=job_id, hex=job_id.replace("-", ""), tail=job_id[1:])
    assert client.simulate_get(f"/api/jobs/{written}").status_code == 404
    assert client.simulate_get(f"/api/jobs/{job_id.upper()}").status_code == 200


def test_a_body_that_is_cut_off_is_refused() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(PRINTED).encode(), "more_body": False}

    stream = falcon.asgi.BoundedStream(cast("Any", receive), content_length=5_000)
    request = SimpleNamespace(content_type="application/json", content_length=5_000, stream=stream)
    with pytest.raises(falcon.HTTPBadRequest, match="Bad Request"):
        asyncio.run(bodies.read(cast("Any", request), 10_000))
