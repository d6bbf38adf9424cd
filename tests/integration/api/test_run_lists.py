"""Lists of runs and executions: filters and members."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from core.states import RunStatus
from models.tables import Attempt, Run
from tests.factories import NOON, GivenSystem
from tests.integration.api.client import NO_JOB, Client, refusal
from tests.integration.api.walking import get, walk
from tests.integration.pages.many import failing


def test_runs_are_listed_and_shown_with_their_attempts(client: Client) -> None:
    job_id = client.create(name="each minute", schedule={"type": "cron", "expression": "* * * * *"})
    runs = walk(client, f"/api/jobs/{job_id}/runs?limit=1")
    assert [run["scheduled_for"] for run in runs] == ["2026-11-20T12:02:00Z", "2026-11-20T12:01:00Z"]
    assert {(run["job_name"], run["app_name"], run["task_type"]) for run in runs} == {
        ("each minute", "app_a", "polling_task")
    }
    attempt = {"run": runs[0]["id"], "number": 1, "fence": 1, "worker_id": uuid4(), "started_at": NOON}
    Attempt.create(**attempt)
    shown = client.simulate_get(f"/api/runs/{runs[0]['id']}").json
    assert {**shown, "attempts": None} == {**runs[0], "attempts": None, "holds": [], "log": [], "replays": []}
    assert [(one["number"], one["outcome"]) for one in shown["attempts"]] == [(1, None)]


def test_runs_are_found_across_jobs_by_every_filter(client: Client) -> None:
    client.create(app_name="other", account_id="x", task_type="x")
    job_id = client.create(
        app_name="mine",
        account_id="me",
        task_type="report",
        schedule={"type": "delay_from_now", "duration_seconds": 60},
    )
    assert len(walk(client, "/api/runs?limit=1")) == 2
    for query in (
        f"job_id={job_id}",
        "app_name=mine",
        "account_id=me",
        "task_type=report",
        "status=pending",
        f"job_id={job_id}&status_not=queued",
        "trigger=schedule",
        "due_from=2026-11-20T12:01:00Z",
        f"job_id={job_id}&due_before=2026-11-20T12:01:01Z",
    ):
        found = get(client, f"/api/runs?{query}").json
        assert ([run["job_id"] for run in found["results"]], found["count"]) == ([job_id], 1), query
    assert get(client, "/api/runs?due_before=2026-11-20T12:01:00Z").json["results"][0]["app_name"] == "other"
    assert get(client, f"/api/runs?job_id={NO_JOB}").json["count"] == 0


@pytest.mark.parametrize("reason", ["Node … is full.", "Node 7 is full."])
def test_runs_are_found_by_the_reason_of_a_group_or_by_the_message_of_one_of_them(
    client: Client, system: GivenSystem, reason: str
) -> None:
    first, second, _ = failing(system, "Node 7 is full.", "Node 12 is full.", "Nothing like it.")
    query = urlencode({"failure": reason, "limit": 1})
    assert [one["id"] for one in walk(client, f"/api/runs?{query}")] == [str(second), str(first)]
    page = client.simulate_get("/api/runs", params={"failure": reason}).json
    assert (page["count"], page["is_cut"]) == (2, False)
    acted = {"action": "dismiss", "filter": {"failure": reason}}
    assert client.simulate_post("/api/runs/actions", json=acted).json["changed"] == 2
    assert client.simulate_get("/api/runs", params={"failure": reason}).json["results"] == []


def test_a_list_of_failures_that_is_cut_says_so(client: Client, system: GivenSystem, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.reading.failures.failed_runs.MAX_READ", 1)
    failing(system, "Broken.", "Broken.")
    page = client.simulate_get("/api/runs", params={"failure": "Broken."}).json
    assert (page["count"], page["is_cut"]) == (1, True)


@pytest.mark.parametrize("query", ["status=paused", "trigger=magic", "job_id=x", "due_from=x", "cursor=x", "failure="])
def test_a_wrong_filter_of_runs_is_refused(client: Client, query: str) -> None:
    assert set(refusal(get(client, f"/api/runs?{query}"))) == {query.partition("=")[0]}


# --- Executions --------------------------------------------------------------------------------------------


def test_the_executions_of_a_job_are_a_bare_array_newest_first(client: Client) -> None:
    job_id = client.create(schedule={"type": "interval", "every_seconds": 30})
    ids = [run.id for run in Run.select().where(Run.job == job_id).order_by(Run.id).limit(4)]
    running = {"status": RunStatus.RUNNING, "worker_id": uuid4(), "lease_expires_at": NOON, "started_at": NOON}
    over = {"started_at": NOON, "finished_at": NOON + timedelta(seconds=1.5)}
    Run.update(**over, status=RunStatus.COMPLETED).where(Run.id == ids[0]).execute()
    Run.update(**over, status=RunStatus.FAILED, error_message="down").where(Run.id == ids[1]).execute()
    Run.update(running).where(Run.id == ids[2]).execute()
    path = f"/api/jobs/{job_id}/executions"
    shown = client.simulate_get(path + "/").json
    assert shown[0] == {
        "id": str(ids[2]),
        "job": job_id,
        "started_at": "2026-11-20T12:00:00Z",
        "completed_at": None,
        "success": None,
        "error_message": None,
        "duration": None,
    }
    assert [(one["success"], one["error_message"], one["duration"]) for one in shown[1:]] == [
        (False, "down", 1.5),
        (True, None, 1.5),
    ]
    second = get(client, f"{path}?limit=1&page=2")
    assert second.json == shown[1:2]
    assert second.headers["Link"] == f'<{path}?limit=1&page=3>; rel="next", <{path}?limit=1&page=1>; rel="prev"'
    assert get(client, f"{path}?page=2").status_code == 404
    assert client.simulate_get(f"/api/jobs/{NO_JOB}/executions").status_code == 404


def test_a_job_that_has_not_started_has_no_executions(client: Client) -> None:
    result = client.simulate_get(f"/api/jobs/{client.create()}/executions")
    assert (result.status_code, result.json, "Link" in result.headers) == (200, [], False)
