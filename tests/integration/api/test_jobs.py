"""Jobs as callers meet them: what section 000 promises, the lists, what may be changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.states import JobState, Outcome, RunStatus
from models.tables import Attempt, Job, Run
from tests.factories import NOON, GivenSystem
from tests.integration.api.client import PRINTED, Client, refusal

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
    policy = {"max_retries": 5, "retry_backoff_base": 2.5, "request": None, "limit_key": None}
    app = {"callback_base_url": "http://127.0.0.1:9000/base", "task_types": {"greet": policy}}
    made = client.simulate_put("/api/apps/app b", json=app)
    assert made.status_code == 201
    assert {name: made.json[name] for name in app} == app
    assert client.simulate_get("/api/apps/app b").json == made.json
    emptied = client.simulate_put("/api/apps/app b/", json={})
    assert (emptied.status_code, emptied.json["callback_base_url"], emptied.json["task_types"]) == (200, None, {})
    assert set(refusal(client.simulate_put("/api/apps/a%00b", json={}))) == {"name"}
