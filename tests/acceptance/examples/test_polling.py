"""The printed polling job, and answers to a poll that cannot be read."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.examples.asking import LATE, PRINTED, ended, poll_answer, post, retries, runs_of, status_of
from tests.acceptance.examples.listener import Listener, Reply
from tests.acceptance.installation import Installation
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.xdist_group("examples")  # they share two installations


def test_the_printed_polling_job_carries_its_state_and_a_key_for_each_poll(
    carillon: Installation, listener: Listener
) -> None:
    listener.script(
        "polling_task",
        poll_answer(polling_state={"last_row_index": 500}, done=False),
        poll_answer(done=False),  # no polling_state keeps the old one
        poll_answer(polling_state={"last_row_index": 700}, done="true"),  # only JSON true is done
        poll_answer(polling_state={"last_row_index": 800}, done=1),
        poll_answer(polling_state={"last_row_index": 900}),
        poll_answer(polling_state={"last_row_index": 999}, done=True),
    )
    job_id = post(carillon, {**PRINTED, "schedule": {"type": "polling", "interval_seconds": 0.2}})
    calls = listener.wait_for(job_id, 6)
    assert ended(carillon, job_id, "completed")["scheduled_at"] is None
    assert len(listener.of(job_id)) == 6
    assert [call.body["polling_state"] for call in calls] == [
        {},
        {"last_row_index": 500},
        {"last_row_index": 500},
        {"last_row_index": 700},
        {"last_row_index": 800},
        {"last_row_index": 900},
    ]
    for call in calls:
        assert set(call.body) == {"idempotency_key", "payload", "job_id", "polling_state"}
        assert call.body["job_id"] == job_id
        assert call.body["payload"]["data"] == {"some_key": "some_value"}
        assert call.body["idempotency_key"] == call.headers["Idempotency-Key"]
        assert call.headers["X-Carillon-Attempt"] == "1"
    assert len({call.body["idempotency_key"] for call in calls}) == 6
    assert all(later.at - former.at >= timedelta(seconds=0.2) for former, later in itertools.pairwise(calls))
    assert carillon.get(f"/api/jobs/{job_id}")["polling_state"] == {"last_row_index": 999}


def test_the_first_poll_is_at_once_and_the_next_waits_for_the_printed_interval(
    carillon: Installation, listener: Listener
) -> None:
    task_type = listener.script("polling_30", poll_answer(polling_state={"seen": 1}))
    posted_at = datetime.now(UTC)
    job_id = post(carillon, {**PRINTED, "task_type": task_type})
    [call] = listener.wait_for(job_id)
    assert call.at - posted_at < LATE
    until(lambda: len(runs_of(carillon, job_id)) == 2, "the next poll's row")
    following, first = runs_of(carillon, job_id)
    waits = datetime.fromisoformat(following["due_at"]) - datetime.fromisoformat(first["finished_at"])
    assert waits == timedelta(seconds=30)
    assert status_of(carillon, job_id)["status"] == "pending"
    carillon.session.post(f"{carillon.url}/api/jobs/{job_id}/cancel", timeout=LONGEST).raise_for_status()


@pytest.mark.parametrize(
    ("name", "answer"),
    [("html", b"<html>Welcome</html>"), ("empty", b""), ("array", b"[]"), ("bad_state", b'{"polling_state": 5}')],
)
def test_a_polling_answer_that_cannot_be_read_fails_after_the_retries_and_is_not_polled_for_ever(
    carillon: Installation, listener: Listener, name: str, answer: bytes
) -> None:
    task_type = listener.script(f"poll_{name}", Reply(200, answer))
    fields = {**PRINTED, "task_type": task_type, "schedule": {"type": "polling", "interval_seconds": 0.1}}
    job_id = post(carillon, {**fields, **retries(2)})
    logs = ended(carillon, job_id, "failed")["logs"]
    assert len(runs_of(carillon, job_id)) == 1, "no poll follows one that failed for good"
    calls = listener.of(job_id)
    assert len(calls) == 3
    assert len({call.key for call in calls}) == 1
    assert (logs[0]["event_type"], logs[0]["error_type"]) == ("execution_failed", "transient")
    assert logs[0]["metadata"]["status_code"] == 200


def test_an_unreadable_polling_answer_costs_a_retry_and_the_polling_goes_on(
    carillon: Installation, listener: Listener
) -> None:
    task_type = listener.script(
        "poll_hiccup",
        poll_answer(polling_state={"n": 1}),
        Reply(200, b"<html>down for maintenance</html>"),
        poll_answer(polling_state={"n": 2}),
        poll_answer(done=True),
    )
    fields = {**PRINTED, "task_type": task_type, "schedule": {"type": "polling", "interval_seconds": 0.1}}
    job_id = post(carillon, {**fields, **retries(1)})
    ended(carillon, job_id, "completed")
    calls = listener.of(job_id)
    assert [call.body["polling_state"] for call in calls] == [{}, {"n": 1}, {"n": 1}, {"n": 2}]
    assert calls[1].key == calls[2].key
    assert len({call.key for call in calls}) == 3
