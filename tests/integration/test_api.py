"""The API as callers meet it, over SQLite: what section 000 promises, what is refused, and who may come in."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import falcon.testing
import pytest

from api import guard
from api.app import App, create_app
from api.errors import MEDIA_PROBLEM
from api.resources import health
from core.states import JobState, Outcome, RunStatus
from models import database, signals
from models.tables import Attempt, Job, Run
from services.coordinator import BEAT, TICK
from tests.factories import NOON, GivenSystem, given_system

PRINTED = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "polling_task",
    "schedule": {"type": "polling", "interval_seconds": 30},
    "data": {"some_key": "some_value"},
}
SECRET = "a secret of this test's own"  # noqa: S105
NO_JOB = "00000000-0000-7000-8000-000000000000"


class Client(falcon.testing.TestClient):
    """Speaks to an app by the name 127.0.0.1, and takes only well-formed problems for an answer."""

    def simulate_request(self, *args: Any, **options: Any) -> Any:
        result = super().simulate_request(*args, **{"host": "127.0.0.1", **options})
        assert result.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in result.headers["Content-Security-Policy"]
        if result.status_code >= 400 and result.content and "/readyz" not in str(args):
            problem = result.json
            assert result.headers["Content-Type"] == MEDIA_PROBLEM
            assert problem["status"] == result.status_code
            assert problem["request_id"] == result.headers["X-Request-Id"]
            assert problem["title"]
            assert problem["detail"]
        return result

    def create(self, **changes: Any) -> str:
        result = self.simulate_post("/api/jobs/create", json={**PRINTED, **changes})
        assert result.status_code == 201, result.text
        return cast("str", result.json["id"])

    def refused(self, **changes: Any) -> dict[str, str]:
        """The wrong fields that creating a job is refused for."""
        return refusal(self.simulate_post("/api/jobs/create", json={**PRINTED, **changes}))


def refusal(result: Any) -> dict[str, str]:
    assert result.status_code == 400, result.text
    return {one["field"]: one["message"] for one in result.json["errors"]}


class Broker:
    def __init__(self) -> None:
        self.is_up = True
        self.shutting_down = threading.Event()


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def client(system: GivenSystem, broker: Broker) -> Client:
    return Client(served(system, broker))


def served(system: GivenSystem, broker: Broker | None = None) -> App:
    broker = broker or Broker()
    return create_app(system, lambda: broker.is_up, broker.shutting_down)


# --- Section 000 -----------------------------------------------------------------------------------------


def test_the_printed_create_example_works(client: Client, system: GivenSystem) -> None:
    result = client.simulate_post("/api/jobs/create", json=PRINTED)
    assert result.status_code == 201
    assert set(result.json) == {"id"}
    UUID(result.json["id"])
    assert result.headers["Location"] == f"/api/jobs/{result.json['id']}"
    assert result.headers["Cache-Control"] == "no-store"
    (ring,) = system.doorbell.heard()
    assert ring.queue == "runs.http"
    shown = client.simulate_get(result.headers["Location"]).json
    assert (shown["schedule"]["type"], shown["schedule"]["interval_seconds"]) == ("polling", 30)
    assert (shown["app_name"], shown["user_id"], shown["account_id"]) == ("app_a", "user1", "acc1")
    assert (shown["data"], shown["polling_state"]) == (PRINTED["data"], {})
    assert shown["created_at"] == "2026-11-20T12:00:00Z"


def test_the_next_occurrences_of_a_job_are_shown_nominal_and_due(client: Client) -> None:
    job_id = client.create(schedule={"type": "interval", "every_seconds": 3600, "jitter_seconds": 10})
    following = client.simulate_get(f"/api/jobs/{job_id}/next?count=2").json["next"]
    assert [one["scheduled_for"] for one in following] == ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"]
    delays = [datetime.fromisoformat(one["due_at"]) - datetime.fromisoformat(one["scheduled_for"]) for one in following]
    assert all(timedelta(0) < delay < timedelta(seconds=10) for delay in delays)
    assert client.simulate_get(f"/api/jobs/{job_id}/next?count=0").status_code == 400


def test_the_printed_status_example_works(client: Client) -> None:
    job_id = client.create()
    result = client.simulate_get(f"/api/jobs/{job_id}/status")
    assert result.status_code == 200
    assert result.json == {
        "job_id": job_id,
        "status": "queued",
        "task_type": "polling_task",
        "created_at": "2026-11-20T12:00:00Z",
        "scheduled_at": None,
        "logs": [],
    }


def test_status_shows_a_retrying_run_as_running_and_its_log_newest_first(client: Client) -> None:
    job_id = client.create()
    run = Run.get(Run.job == job_id)
    Run.update(status=RunStatus.RETRYING, attempt_count=1, due_at=NOON + timedelta(minutes=1)).execute()
    attempt = {"run": run.id, "number": 1, "fence": 1, "worker_id": uuid4(), "started_at": NOON}
    failed = {"outcome": Outcome.FAILED, "error_type": "transient", "error_message": "503", "status_code": 503}
    Attempt.create(**attempt, **failed, finished_at=NOON + timedelta(seconds=2))
    status = client.simulate_get(f"/api/jobs/{job_id}/status/").json
    assert status["status"] == "running"
    assert status["logs"] == [
        {
            "event_type": "execution_failed",
            "attempt_number": 1,
            "error_type": "transient",
            "metadata": {"status_code": 503, "message": "503"},
            "created_at": "2026-11-20T12:00:02Z",
        },
        {
            "event_type": "execution_started",
            "attempt_number": 1,
            "error_type": None,
            "metadata": {},
            "created_at": "2026-11-20T12:00:00Z",
        },
    ]
    assert client.simulate_get(f"/api/jobs/{job_id}").json["status"] == "queued"


@pytest.mark.parametrize(
    ("schedule", "scheduled_at"),
    [
        ({"type": "immediate"}, None),
        ({"type": "run_at", "timestamp": "2027-01-01T09:00:00"}, "2027-01-01T09:00:00Z"),
        ({"type": "run_at", "timestamp": "2020-01-01T09:00:00"}, "2020-01-01T09:00:00Z"),
        ({"type": "delay_from_now", "duration_seconds": 90}, "2026-11-20T12:01:30Z"),
        ({"type": "cron", "expression": "0 13 * * *"}, "2026-11-20T13:00:00Z"),
        ({"type": "cron", "expression": "* * * * *"}, "2026-11-20T12:01:00Z"),
    ],
)
def test_status_tells_the_instant_a_schedule_names(
    client: Client, schedule: dict[str, Any], scheduled_at: str | None
) -> None:
    job_id = client.create(schedule=schedule)
    assert client.simulate_get(f"/api/jobs/{job_id}/status").json["scheduled_at"] == scheduled_at


def test_a_time_that_has_passed_runs_at_once(client: Client, system: GivenSystem) -> None:
    client.create(schedule={"type": "run_at", "timestamp": "2020-01-01T00:00:00"})
    assert len(system.doorbell.heard()) == 1


def test_numeric_ids_are_kept(client: Client) -> None:
    job_id = client.create(user_id=1, account_id=2, board_id=3)
    shown = client.simulate_get(f"/api/jobs/{job_id}").json
    assert (shown["user_id"], shown["account_id"], shown["board_id"]) == (1, "2", 3)


# --- What is refused -------------------------------------------------------------------------------------


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


# --- Who may come in -------------------------------------------------------------------------------------


def test_every_route_is_guarded_but_those_listed_here(sqlite: str) -> None:
    app = served(given_system(internal_secret=SECRET))
    client = Client(app)
    open_templates = {"/", "/healthz", "/readyz", "/openapi.json", "/swagger", "/swagger/{file}"}
    templates = list(_templates(app._router._roots))
    assert len(templates) > 15
    for template, methods in templates:
        path = re.sub(r"\{\w+:uuid\}", NO_JOB, template).replace("{name}", "x").replace("{file}", "start.js")
        for method in methods:
            if method == "WEBSOCKET":
                continue
            status = client.simulate_request(method, path).status_code
            assert (status != 401) == (template in open_templates), (method, path, status)
            assert guard.is_open(path) == (template in open_templates)


def _templates(nodes: Any) -> Any:
    for node in nodes:
        if node.resource is not None:
            yield node.uri_template, list(node.method_map)
        yield from _templates(node.children)


@pytest.mark.parametrize("given", [None, "", "wrong", SECRET + "x", SECRET[:-1], "ü"])
def test_a_wrong_secret_is_refused(sqlite: str, given: str | None) -> None:
    client = Client(served(given_system(internal_secret=SECRET)))
    headers = {} if given is None else {"X-Internal-Secret": given}
    for path in ("/api/jobs", "/api/jobs/", "/api/nowhere", "/nowhere"):
        assert client.simulate_get(path, headers=headers).status_code == 401


def test_the_right_secret_opens(sqlite: str) -> None:
    client = Client(served(given_system(internal_secret=SECRET)), headers={"X-Internal-Secret": SECRET})
    assert client.simulate_get("/api/jobs", host="carillon.example.com").status_code == 200
    assert client.simulate_post("/api/jobs/create", json=PRINTED).status_code == 404  # no app on first use


@pytest.mark.parametrize(
    "host",
    ["evil.example.com", "localhost.evil.example.com", "127.0.0.1.evil.example.com", "10.0.0.1", "evil@127.0.0.1"],
)
def test_without_a_secret_other_hosts_are_refused(client: Client, host: str) -> None:
    for path in ("/", "/api/jobs", "/healthz"):
        assert client.simulate_get(path, host=host).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_without_a_secret_loopback_hosts_are_served(client: Client, host: str) -> None:
    assert client.simulate_get("/api/jobs", host=host).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1"}, 201),
    ],
)
def test_pages_of_other_sites_change_nothing(client: Client, headers: dict[str, str], status: int) -> None:
    result = client.simulate_post("/api/jobs/create", json=PRINTED, headers=headers)
    assert result.status_code == status


@pytest.mark.parametrize(("given", "kept"), [("abc-123", True), ("x" * 101, False), ("a b", False), ("\x7f", False)])
def test_a_sane_request_id_is_kept(client: Client, given: str, *, kept: bool) -> None:
    result = client.simulate_get("/healthz", headers={"X-Request-Id": given})
    assert (result.headers["X-Request-Id"] == given) is kept
    assert result.headers["X-Request-Id"]


# --- Lists -----------------------------------------------------------------------------------------------


def _walk(client: Client, path: str) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following is not None:
        where, _, query = following.partition("?")
        page = client.simulate_get(where, query_string=query)
        assert page.json["previous"] is None
        found += page.json["results"]
        following = page.json["next"]
        assert page.headers.get("Link") == (f'<{following}>; rel="next"' if following else None)
    return found


def test_a_walk_over_the_pages_sees_each_job_once_newest_first(client: Client) -> None:
    made = [client.create(account_id=f"acc{number % 2}") for number in range(120)]
    assert [job["id"] for job in _walk(client, "/api/jobs?limit=50")] == made[::-1]
    assert [job["id"] for job in _walk(client, "/api/jobs?limit=7&account_id=acc1&status=queued")] == made[::-2]
    assert client.simulate_get("/api/jobs").json["count"] == 120
    assert len(client.simulate_get("/api/jobs").json["results"]) == 50
    assert client.simulate_get("/api/jobs", params={"status": "failed"}).json["count"] == 0


def test_runs_are_listed_and_shown_with_their_attempts(client: Client) -> None:
    job_id = client.create(schedule={"type": "cron", "expression": "* * * * *"})
    runs = _walk(client, f"/api/jobs/{job_id}/runs?limit=1")
    assert [run["scheduled_for"] for run in runs] == ["2026-11-20T12:02:00Z", "2026-11-20T12:01:00Z"]
    attempt = {"run": runs[0]["id"], "number": 1, "fence": 1, "worker_id": uuid4(), "started_at": NOON}
    Attempt.create(**attempt)
    shown = client.simulate_get(f"/api/runs/{runs[0]['id']}").json
    assert {**shown, "attempts": None} == {**runs[0], "attempts": None}
    assert [(one["number"], one["outcome"]) for one in shown["attempts"]] == [(1, None)]


# --- Changing --------------------------------------------------------------------------------------------


def test_a_job_is_paused_resumed_and_cancelled(client: Client, system: GivenSystem) -> None:
    job_id = client.create()
    system.doorbell.heard()
    assert client.simulate_post(f"/api/jobs/{job_id}/pause").json["status"] == "paused"
    assert client.simulate_post(f"/api/jobs/{job_id}/resume/").json["status"] == "queued"
    assert len(system.doorbell.heard()) == 1
    cancelled = client.simulate_post(f"/api/jobs/{job_id}/cancel")
    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled")
    assert cancelled.json["finished_at"] == "2026-11-20T12:00:00Z"
    assert client.simulate_post(f"/api/jobs/{job_id}/cancel").status_code == 200
    for action in ("pause", "resume"):
        assert client.simulate_post(f"/api/jobs/{job_id}/{action}").status_code == 409


def test_a_job_that_has_ended_cannot_be_cancelled(client: Client) -> None:
    job_id = client.create()
    Job.update(state=JobState.COMPLETED, finished_at=NOON).execute()
    result = client.simulate_post(f"/api/jobs/{job_id}/cancel")
    assert (result.status_code, result.json["type"]) == (409, "/problems/conflict")


def test_an_app_is_made_and_changed_as_a_whole(client: Client) -> None:
    policy = {"max_retries": 5, "retry_backoff_base": 2.5}
    app = {"callback_base_url": "http://127.0.0.1:9000/base", "task_types": {"greet": policy}}
    made = client.simulate_put("/api/apps/app b", json=app)
    assert made.status_code == 201
    assert {name: made.json[name] for name in app} == app
    assert client.simulate_get("/api/apps/app b").json == made.json
    emptied = client.simulate_put("/api/apps/app b/", json={})
    assert (emptied.status_code, emptied.json["callback_base_url"], emptied.json["task_types"]) == (200, None, {})
    assert set(refusal(client.simulate_put("/api/apps/a%00b", json={}))) == {"name"}


# --- Looking ahead ---------------------------------------------------------------------------------------


def _preview(client: Client, schedule: dict[str, Any], **more: Any) -> list[str]:
    result = client.simulate_post("/api/schedules/preview", json={"schedule": schedule, **more})
    assert result.status_code == 200, result.text
    assert result.json["description"]
    return cast("list[str]", result.json["next"])


@pytest.mark.parametrize(
    ("expression", "after", "instants"),
    [
        ("30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("*/30 * * * *", "2026-10-25T00:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"]),
    ],
)
def test_a_preview_knows_both_clock_changes(client: Client, expression: str, after: str, instants: list[str]) -> None:
    berlin = {"type": "cron", "expression": expression, "timezone": "Europe/Berlin"}
    assert _preview(client, berlin, after=after, count=2) == instants


def test_a_preview_of_a_time_in_the_gap_or_twice(client: Client) -> None:
    once = {"type": "run_at", "timezone": "Europe/Berlin"}
    gap, twice = "2026-03-29T02:30:00", "2026-10-25T02:30:00"
    before = "2026-01-01T00:00:00"
    assert _preview(client, {**once, "timestamp": gap}, after=before) == ["2026-03-29T01:30:00Z"]
    assert _preview(client, {**once, "timestamp": twice}, after=before) == ["2026-10-25T00:30:00Z"]


def test_a_preview_of_the_other_kinds_is_one_instant(client: Client) -> None:
    assert _preview(client, {"type": "immediate"}) == ["2026-11-20T12:00:00Z"]
    assert _preview(client, {"type": "polling", "interval_seconds": 5}) == ["2026-11-20T12:00:00Z"]
    delay = {"type": "delay_from_now", "duration_seconds": 90}
    assert _preview(client, delay, after="2026-01-01T00:00:00") == ["2026-01-01T00:01:30Z"]


def test_a_preview_ends_with_the_schedule(client: Client) -> None:
    each_minute = {"type": "cron", "expression": "* * * * *"}
    assert len(_preview(client, each_minute)) == 5
    assert len(_preview(client, each_minute, count=100)) == 100
    assert len(_preview(client, {**each_minute, "max_runs": 2})) == 2
    assert len(_preview(client, {**each_minute, "ends_at": "2026-11-20T12:03:00Z"})) == 2
    assert _preview(client, {**each_minute, "ends_at": "2020-01-01T00:00:00Z"}) == []


@pytest.mark.parametrize("after", ["1970-01-01", "2199-12-31T23:59:59.999999-12:00"])
def test_a_preview_survives_the_edges_of_time(client: Client, after: str) -> None:
    _preview(client, {"type": "cron", "expression": "0 0 29 2 *"}, after=after, count=100)
    _preview(client, {"type": "delay_from_now", "duration_seconds": 315_360_000}, after=after)


# --- Health and documents --------------------------------------------------------------------------------


def test_alive(client: Client) -> None:
    assert client.simulate_get("/healthz").json == {"status": "ok"}


def test_ready_when_the_coordinator_ticks(client: Client) -> None:
    signals.mark(TICK, NOON - timedelta(seconds=4))
    result = client.simulate_get("/readyz")
    assert result.status_code == 200
    assert result.json == {
        "status": "ready",
        "database": True,
        "broker": True,
        "last_beat_age_seconds": None,
        "last_tick_age_seconds": 4,
    }


def _no_tick(_broker: Broker) -> None:
    signals.mark(TICK, NOON - timedelta(seconds=11))


def _no_broker(broker: Broker) -> None:
    signals.mark(TICK, NOON)
    broker.is_up = False


@pytest.mark.parametrize("harm", [_no_tick, _no_broker])
def test_degraded_without_ticks_or_broker(client: Client, broker: Broker, harm: Callable[[Broker], None]) -> None:
    harm(broker)
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"]) == (200, "degraded")


@pytest.mark.parametrize(("age", "status"), [(149, "ready"), (151, "degraded")])
def test_beats_matter_where_there_is_a_periodic_process(sqlite: str, age: int, status: str) -> None:
    services = {"database_url": "postgresql://x/x", "rabbitmq_url": "amqp://x"}
    client = Client(served(given_system(**services)))
    signals.mark(TICK, NOON)
    signals.mark(BEAT, NOON - timedelta(seconds=age))
    assert client.simulate_get("/readyz").json["status"] == status


def test_unavailable_while_shutting_down(client: Client, broker: Broker) -> None:
    broker.shutting_down.set()
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"], result.json["database"]) == (503, "unavailable", True)


def test_unavailable_without_a_database(client: Client, tmp_path: Path) -> None:
    database.connect(f"sqlite:///{tmp_path}", "test")
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"], result.json["database"]) == (503, "unavailable", False)


def test_unavailable_when_the_database_does_not_answer_in_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answers_at_last = threading.Event()
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("services.reading.signals_seen", answers_at_last.wait)
    result = client.simulate_get("/readyz")
    answers_at_last.set()
    assert (result.status_code, result.json["database"]) == (503, False)


def test_the_front_door_and_the_pages_need_nothing_from_elsewhere(client: Client) -> None:
    assert client.simulate_get("/").json["documentation"] == "/swagger/"
    page = client.simulate_get("/swagger/")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text
    assert "<script>" not in page.text
    wanted = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(wanted) == 3
    for path in wanted:
        assert client.simulate_get(path).status_code == 200
