"""Which answers are tried again, how often, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.acceptance.examples.asking import EARLY, IMMEDIATE, LATE, PRINTED, ended, greet, post, retries, status_of
from tests.acceptance.examples.listener import Listener, Reply
from tests.acceptance.installation import Installation
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("examples")  # they share two installations


def test_a_receiver_that_answers_500_twice_is_called_three_times_under_one_key(
    carillon: Installation, listener: Listener
) -> None:
    task_type = listener.script("twice_500", Reply(500), Reply(500), Reply())
    job_id = post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, "retry_backoff_base": 0.4})
    until(lambda: status_of(carillon, job_id)["logs"][:1], "the first attempt's log")
    logs = ended(carillon, job_id, "completed")["logs"]
    first, second, third = listener.of(job_id)
    assert len({call.key for call in (first, second, third)}) == 1
    assert [call.headers["X-Carillon-Attempt"] for call in (first, second, third)] == ["1", "2", "3"]
    assert [call.body for call in (second, third)] == [first.body, first.body]
    assert timedelta(seconds=0.4) <= second.at - first.at < timedelta(seconds=0.44) + LATE
    assert timedelta(seconds=0.8) <= third.at - second.at < timedelta(seconds=0.88) + LATE
    assert [(entry["event_type"], entry["attempt_number"]) for entry in logs] == [
        ("execution_completed", 3),
        ("execution_started", 3),
        ("execution_failed", 2),
        ("execution_started", 2),
        ("execution_failed", 1),
        ("execution_started", 1),
    ]
    for entry in (logs[2], logs[4]):
        assert entry["error_type"] == "transient"
        assert set(entry["metadata"]) == {"message", "status_code"}
        assert entry["metadata"]["status_code"] == 500
        assert "500" in entry["metadata"]["message"]


@pytest.mark.parametrize("status", [500, 503, 408, 429])
def test_a_transient_answer_is_tried_again_until_the_retries_are_used_up(
    carillon: Installation, listener: Listener, status: int
) -> None:
    task_type = listener.script(f"always_{status}", Reply(status))
    job_id = post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **retries(2)})
    logs = ended(carillon, job_id, "failed")["logs"]
    assert len(listener.of(job_id)) == 3
    assert len({call.key for call in listener.of(job_id)}) == 1
    failures = [entry for entry in logs if entry["event_type"] == "execution_failed"]
    assert [entry["error_type"] for entry in failures] == ["transient"] * 3
    assert {entry["metadata"]["status_code"] for entry in failures} == {status}


@pytest.mark.parametrize("status", [404, 400, 401, 302])
def test_any_other_answer_fails_at_once(carillon: Installation, listener: Listener, status: int) -> None:
    elsewhere = {"Location": f"{listener.url}/internal/jobs/elsewhere"}
    task_type = listener.script(f"always_{status}", Reply(status, headers=elsewhere))
    job_id = post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **retries(2)})
    logs = ended(carillon, job_id, "failed")["logs"]
    assert len(listener.of(job_id)) == 1
    assert [entry["event_type"] for entry in logs] == ["execution_failed", "execution_started"]
    assert logs[0]["error_type"] == "permanent"
    assert set(logs[0]["metadata"]) == {"message", "status_code"}
    assert logs[0]["metadata"]["status_code"] == status


def test_no_answer_is_transient_and_has_no_status_code(carillon: Installation) -> None:
    nobody = "http://127.0.0.1:1/internal/jobs/greet"
    job_id = post(carillon, {**PRINTED, "schedule": IMMEDIATE, "callback_url": nobody, **greet(), **retries(1)})
    logs = ended(carillon, job_id, "failed")["logs"]
    failures = [entry for entry in logs if entry["event_type"] == "execution_failed"]
    assert [entry["error_type"] for entry in failures] == ["transient", "transient"]
    assert [entry["metadata"]["status_code"] for entry in failures] == [None, None]


def test_retry_after_in_seconds_is_honoured(carillon: Installation, listener: Listener) -> None:
    task_type = listener.script("later", Reply(429, headers={"Retry-After": "2"}), Reply())
    job_id = post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **retries(1)})
    ended(carillon, job_id, "completed")
    first, second = listener.of(job_id)
    assert timedelta(seconds=2) <= second.at - first.at < timedelta(seconds=2) + LATE


def test_retry_after_as_a_date_is_honoured(carillon: Installation, listener: Listener) -> None:
    not_before = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    busy = Reply(503, headers={"Retry-After": format_datetime(not_before, usegmt=True)})
    task_type = listener.script("at_a_date", busy, Reply())
    job_id = post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **retries(1)})
    ended(carillon, job_id, "completed")
    assert not_before - EARLY <= listener.of(job_id)[1].at < not_before + LATE
