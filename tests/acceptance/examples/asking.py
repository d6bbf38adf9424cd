"""The printed job, and how a test asks for jobs and after them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.acceptance.examples.listener import Reply
from tests.acceptance.installation import Installation
from tests.waiting import LONGEST, until

PRINTED = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "polling_task",
    "schedule": {"type": "polling", "interval_seconds": 30},
    "data": {"some_key": "some_value"},
}
IMMEDIATE = {"type": "immediate"}
EARLY = timedelta(milliseconds=50)  # what the measured difference to the database's clock may be wrong by
LATE = timedelta(seconds=20)  # on a slow machine; still less than the interval or minute to the next run


def post(carillon: Installation, body: Mapping[str, Any]) -> str:
    """Create a job as the document prints it; its id."""
    answer = carillon.session.post(f"{carillon.url}/api/jobs/create", json=body, timeout=LONGEST)
    assert answer.status_code == 201, answer.text
    created = answer.json()
    assert set(created) == {"id"}
    assert str(UUID(created["id"])) == created["id"]
    return str(created["id"])


def status_of(carillon: Installation, job_id: str) -> dict[str, Any]:
    status: dict[str, Any] = carillon.get(f"/api/jobs/{job_id}/status")
    assert set(status) == {"job_id", "status", "task_type", "created_at", "scheduled_at", "logs"}
    return status


def ended(carillon: Installation, job_id: str, word: str) -> dict[str, Any]:
    """The job's status once it is over, which must be with this word."""
    until(lambda: status_of(carillon, job_id)["status"] in {"completed", "failed", "cancelled"}, f"job {job_id} to end")
    status = status_of(carillon, job_id)
    assert status["status"] == word, status
    return status


def runs_of(carillon: Installation, job_id: str) -> list[dict[str, Any]]:
    return carillon.runs([job_id])[job_id]


def poll_answer(**answer: Any) -> Reply:
    return Reply(200, json.dumps(answer).encode())


def greet() -> dict[str, Any]:
    return {"task_type": "greet"}


def retries(count: int) -> dict[str, Any]:
    return {"max_retries": count, "retry_backoff_base": 0.1}
