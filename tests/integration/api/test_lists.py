"""Lists of jobs as callers walk them: by cursor or by page, filtered and in any order."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.states import JobState
from models.tables import Job
from tests.factories import NOON, GivenSystem
from tests.integration.api.client import Client, refusal
from tests.integration.api.walking import MANY, get, names, walk

# --- Jobs --------------------------------------------------------------------------------------------------


def test_a_walk_over_the_pages_sees_each_job_once_newest_first(client: Client) -> None:
    made = [client.create(account_id=f"acc{number % 2}") for number in range(120)]
    assert [job["id"] for job in walk(client, "/api/jobs?limit=50")] == made[::-1]
    assert [job["id"] for job in walk(client, "/api/jobs?limit=7&account_id=acc1&status=queued")] == made[::-2]
    first = client.simulate_get("/api/jobs")
    assert (first.json["count"], first.json["previous"], len(first.json["results"])) == (120, None, 50)
    assert first.headers["Link"] == f'<{first.json["next"]}>; rel="next"'
    assert client.simulate_get("/api/jobs", params={"status": "failed"}).json["count"] == 0


@pytest.mark.parametrize("ordering", ["created_at", "priority", "name", "updated_at", "status"])
def test_a_walk_in_any_order_sees_each_job_once_in_either_direction(client: Client, ordering: str) -> None:
    for number in range(MANY):
        job_id = client.create(name=f"{number:02}" if number % 3 else None, priority=number % 4)
        Job.update(updated_at=NOON + timedelta(seconds=number % 5)).where(Job.id == job_id).execute()
        if number % 4 == 0:
            client.simulate_post(f"/api/jobs/{job_id}/{'pause' if number % 8 else 'cancel'}")
    up = walk(client, f"/api/jobs?limit=5&ordering={ordering}")
    down = walk(client, f"/api/jobs?limit=5&ordering=-{ordering}")
    by_value = [("" if job[ordering] is None else job[ordering], job["id"]) for job in up]
    assert len(up) == MANY
    assert by_value == sorted(by_value)
    assert [job["id"] for job in down] == [job["id"] for job in up][::-1]


@pytest.mark.parametrize("path", ["/api/jobs", "/jobs/api/jobs"])
def test_jobs_without_a_deadline_come_last_in_either_direction(client: Client, path: str) -> None:
    for number in range(MANY):
        deadline = {} if number % 3 == 0 else {"deadline": f"2026-12-0{1 + number % 5}T00:00:00Z"}
        client.simulate_post("/jobs/api/jobs", json={"name": f"{number}", **deadline})
    listed = client.simulate_get("/jobs/api/jobs").json
    with_one = sorted((job for job in listed if job["deadline"]), key=lambda job: (job["deadline"], job["id"]))
    without = sorted((job for job in listed if not job["deadline"]), key=lambda job: str(job["id"]))
    assert _ids(client, path, "deadline") == [job["id"] for job in [*with_one, *without]]
    assert _ids(client, path, "-deadline") == [job["id"] for job in [*with_one[::-1], *without[::-1]]]


def _ids(client: Client, path: str, ordering: str) -> list[str]:
    """All jobs, page by page: by cursor where there is one, else by number."""
    if path == "/api/jobs":
        return [job["id"] for job in walk(client, f"{path}?limit=5&ordering={ordering}")]
    pages = (get(client, f"{path}?limit=5&ordering={ordering}&page={page}").json for page in range(1, MANY // 5 + 2))
    return [job["id"] for page in pages for job in page]


def test_a_walk_is_not_disturbed_by_jobs_made_meanwhile(client: Client) -> None:
    made = [client.create(priority=number % 3) for number in range(9)]
    first = get(client, "/api/jobs?limit=4&ordering=-priority").json
    newcomers = {client.create(priority=priority) for priority in (0, 1, 2)}
    seen = [job["id"] for job in first["results"] + walk(client, first["next"])]
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen) <= {*made, *newcomers}


@pytest.mark.parametrize("name", ["naïve", "💡" * 200, 'a"b,c&d'])
def test_a_cursor_carries_any_name(client: Client, name: str) -> None:
    ids = {client.create(name=name, app_name=f"app {number}") for number in range(3)}
    assert {job["id"] for job in walk(client, "/api/jobs?limit=1&ordering=name")} == ids


def test_a_cursor_of_another_order_is_refused(client: Client) -> None:
    for _ in range(2):
        client.create()
    cursor = get(client, "/api/jobs?limit=1&ordering=priority").json["next"].partition("cursor=")[2]
    for other in ("-priority", "name", "-created_at"):
        assert set(refusal(get(client, f"/api/jobs?ordering={other}&cursor={cursor}"))) == {"cursor"}
    assert set(refusal(get(client, f"/api/jobs?cursor={cursor}"))) == {"cursor"}
    assert set(refusal(get(client, f"/api/runs?cursor={cursor}"))) == {"cursor"}


@pytest.mark.parametrize(
    ("ordering", "value"),
    [
        ("priority", "true"),
        ("priority", "99999999999999999999"),
        ("priority", "1e400"),
        ("name", '"\\u0000"'),
        ("name", '"\\ud800"'),
        ("name", "null"),
        ("updated_at", '"0001-01-01T00:00:00"'),
        ("updated_at", "7"),
        ("status", '"done"'),
        ("status", "null"),
        ("priority", "null"),
        ("updated_at", "null"),
        ("deadline", '"soon"'),
        ("deadline", "7"),
        ("created_at", "[" * 900),
        ("created_at", "1"),
    ],
)
def test_a_cursor_that_was_made_up_is_refused(client: Client, ordering: str, value: str) -> None:
    forged = urlsafe_b64encode(f'["{ordering}","{uuid4().hex}",{value}]'.encode()).decode().rstrip("=")
    assert set(refusal(get(client, f"/api/jobs?ordering={ordering}&cursor={forged}"))) == {"cursor"}


def test_numbered_pages_lead_on_and_back(client: Client) -> None:
    made = [client.create() for _ in range(5)][::-1]
    middle = get(client, "/api/jobs?limit=2&page=2")
    assert [job["id"] for job in middle.json["results"]] == made[2:4]
    assert (middle.json["next"], middle.json["previous"]) == ("/api/jobs?limit=2&page=3", "/api/jobs?limit=2&page=1")
    assert middle.headers["Link"] == '</api/jobs?limit=2&page=3>; rel="next", </api/jobs?limit=2&page=1>; rel="prev"'
    assert middle.json["count"] == 5
    assert [job["id"] for job in walk(client, "/api/jobs?limit=2&page=1")] == made
    assert len(walk(client, "/api/jobs?limit=2&page=3", "previous")) == 5
    assert get(client, "/api/jobs?limit=2&page=4").status_code == 404


def test_the_first_page_of_nothing_is_empty(client: Client) -> None:
    empty: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}
    assert get(client, "/api/jobs?page=1").json == empty
    assert get(client, "/api/jobs").json == empty
    assert get(client, "/api/jobs?page=2").status_code == 404


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=10000000000000000000"])
def test_a_page_that_cannot_be_is_refused(client: Client, query: str) -> None:
    assert set(refusal(get(client, f"/api/jobs?{query}"))) == {"page"}


def test_a_page_and_a_cursor_do_not_go_together(client: Client) -> None:
    for _ in range(2):
        client.create()
    following = get(client, "/api/jobs?limit=1").json["next"]
    assert set(refusal(get(client, f"{following}&page=1"))) == {"page"}


def test_an_order_that_is_not_known_is_refused(client: Client) -> None:
    assert set(refusal(get(client, "/api/jobs?ordering=data&cursor=x"))) == {"ordering"}


def test_jobs_are_found_by_every_filter(client: Client, system: GivenSystem) -> None:
    client.create(
        name="other", account_id="x", user_id="x", app_name="x", task_type="x", schedule={"type": "immediate"}
    )
    system.clock.advance(60)
    mine = {"account_id": "7", "user_id": 7, "app_name": "mine", "task_type": "report", "tags": ["weekly"]}
    mine["metadata"] = {"team": "ops", "size": 7}
    client.create(name="wanted", **mine, schedule={"type": "cron", "expression": "0 9 * * *"})
    for query in (
        "account_id=7",
        "user_id=7",
        "app_name=mine",
        "task_type=report",
        "kind=cron",
        "tag=weekly",
        "metadata=team:ops",
        "metadata=size:7",
        "name=wanted",
        "search=REPO",
        "status=pending",
        "created_from=2026-11-20T12:01:00Z",
        "created_from=2026-11-20T12:00:00.5Z&created_before=2026-11-20T12:01:01Z",
        "app_name=mine&user_id=7&ordering=name&page=1",
    ):
        found = get(client, f"/api/jobs?{query}").json
        assert (names(found["results"]), found["count"]) == (["wanted"], 1), query
    assert names(get(client, "/api/jobs?created_before=2026-11-20T12:01:00Z").json["results"]) == ["other"]


@pytest.mark.parametrize(
    "query",
    ["kind=lunar", "status=retrying", "tag=", "created_from=soon", "user_id=%00", "metadata=ops", "metadata=:ops"],
)
def test_a_wrong_filter_is_refused(client: Client, query: str) -> None:
    assert set(refusal(get(client, f"/api/jobs?{query}"))) == {query.partition("=")[0]}


@pytest.mark.parametrize("user_id", ["--7", "07", "\u0667", "9" * 200, "7.0"])
def test_a_user_who_looks_like_a_number_and_is_none_has_no_jobs(client: Client, user_id: str) -> None:
    client.create(user_id=7)
    assert client.simulate_get("/api/jobs", params={"user_id": user_id}).json["count"] == 0


# --- Deleted jobs ------------------------------------------------------------------------------------------


def test_a_deleted_job_and_its_runs_are_nowhere(client: Client) -> None:
    job_id = client.create(name="gone")
    [run] = walk(client, "/api/runs")
    Job.update(deleted_at=NOON, state=JobState.CANCELLED, finished_at=NOON).where(Job.id == job_id).execute()
    assert client.simulate_get("/api/jobs").json["count"] == 0
    assert client.simulate_get("/api/runs").json["count"] == 0
    assert walk(client, "/api/jobs") + walk(client, "/api/runs") + walk(client, "/api/jobs?name=gone") == []
    for path in ("", "/status", "/next", "/runs", "/executions"):
        assert client.simulate_get(f"/api/jobs/{job_id}{path}").status_code == 404, path
    assert client.simulate_get(f"/api/runs/{run['id']}").status_code == 404
    assert client.simulate_get("/api/jobs/stats").json["total"] == 0
    assert client.simulate_get("/api/upcoming").json["results"] == []
