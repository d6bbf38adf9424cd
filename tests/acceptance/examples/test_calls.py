"""A job is created, called and shown as printed, and what does not fit is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from tests.acceptance.examples.asking import EARLY, IMMEDIATE, PRINTED, ended, greet, post
from tests.acceptance.examples.listener import Listener, Reply
from tests.acceptance.installation import Installation
from tests.waiting import LONGEST

pytestmark = pytest.mark.xdist_group("examples")  # they share two installations


def test_a_job_is_created_called_and_shown_as_printed(carillon: Installation, listener: Listener) -> None:
    before = datetime.now(UTC)
    job_id = post(carillon, {**PRINTED, "task_type": "greet", "schedule": IMMEDIATE, "board_id": 4711})
    [call] = listener.wait_for(job_id)
    key = call.headers["Idempotency-Key"]
    assert call.path == "/internal/jobs/greet"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["X-Carillon-Run-Id"] == str(UUID(key))
    assert call.headers["X-Carillon-Attempt"] == "1"
    scheduled_for = datetime.fromisoformat(call.headers["X-Carillon-Scheduled-For"])
    assert before - EARLY <= scheduled_for <= call.at + EARLY
    assert call.body == {
        "idempotency_key": key,
        "payload": {
            "callback_url": f"{listener.url}/internal/jobs/greet",
            "max_retries": 3,
            "retry_backoff_base": 60,
            "board_id": 4711,
            "data": {"some_key": "some_value"},
        },
    }
    status = ended(carillon, job_id, "completed")
    created_at = datetime.fromisoformat(status.pop("created_at"))
    assert before - EARLY <= created_at <= call.at
    logs = status.pop("logs")
    assert status == {"job_id": job_id, "status": "completed", "task_type": "greet", "scheduled_at": None}
    assert [entry["event_type"] for entry in logs] == ["execution_completed", "execution_started"]
    for entry in logs:
        assert set(entry) == {"event_type", "attempt_number", "error_type", "metadata", "created_at"}
        assert (entry["attempt_number"], entry["error_type"]) == (1, None)


@pytest.mark.parametrize("board_id", [4711, 0, "4711", "board", None])
def test_board_id_reaches_the_callback_unchanged(
    carillon: Installation, listener: Listener, board_id: str | int | None
) -> None:
    [call] = listener.wait_for(post(carillon, {**PRINTED, "schedule": IMMEDIATE, "board_id": board_id, **greet()}))
    arrived = call.body["payload"]["board_id"]
    assert (type(arrived), arrived) == (type(board_id), board_id)


def test_a_schedule_that_does_not_fit_is_refused_and_never_run_at_once(
    carillon: Installation, listener: Listener
) -> None:
    task_type = listener.script("never", Reply())
    answer = carillon.session.post(
        f"{carillon.url}/api/jobs/create",
        json={**PRINTED, "task_type": task_type, "schedule": {"type": "cron", "interval_seconds": 30}},
        timeout=LONGEST,
    )
    assert answer.status_code == 400
    assert "expression" in answer.text
    control = post(carillon, {**PRINTED, "task_type": task_type, "schedule": IMMEDIATE})
    ended(carillon, control, "completed")
    assert [call.job_id for call in listener.wait_for(control)] == [control]


def test_paths_are_served_with_a_trailing_slash_too(carillon: Installation) -> None:
    answer = carillon.session.post(
        f"{carillon.url}/api/jobs/create/", json={**PRINTED, "schedule": IMMEDIATE, **greet()}, timeout=LONGEST
    )
    assert answer.status_code == 201
    assert carillon.get(f"/api/jobs/{answer.json()['id']}/status/")["job_id"] == answer.json()["id"]
