"""Section 000's examples, sent as they are printed, against one process and against the services."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg2
import pytest

from tests.acceptance.conftest import QUICK, SERVICES
from tests.acceptance.installation import Installation, until

pytestmark = pytest.mark.xdist_group("examples")  # they share two installations

PRINTED = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "polling_task",
    "schedule": {"type": "polling", "interval_seconds": 30},
    "data": {"some_key": "some_value"},
}
IMMEDIATE = {"type": "immediate"}
SUCCESS = b'{"status": "success"}'
EARLY = timedelta(milliseconds=50)  # what the measured difference to the database's clock may be wrong by
LATE = timedelta(seconds=2)  # two processors, shared with other tests


@dataclass(frozen=True)
class Taken:
    """One callback, as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: datetime

    @property
    def job_id(self) -> str:
        return self.headers["X-Carillon-Job-Id"]

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]


@dataclass(frozen=True)
class Reply:
    """What a callback is answered, byte for byte."""

    status: int = 200
    body: bytes = SUCCESS
    headers: Mapping[str, str] = field(default_factory=dict)


class Listener:
    """A receiver that answers the calls for each job by that job's script; its last line is repeated."""

    def __init__(self) -> None:
        self._calls: list[Taken] = []
        self._changed = threading.Condition()
        self._scripts: dict[str, list[Reply]] = {}
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = listener.take(Taken(self.path, dict(self.headers.items()), body, datetime.now(UTC)))
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def script(self, task_type: str, *replies: Reply) -> str:
        """Answer calls for this task type so, one after the other; the task type."""
        with self._changed:
            self._scripts[task_type] = list(replies)
        return task_type

    def take(self, call: Taken) -> Reply:
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()
            script = self._scripts.get(call.path.rpartition("/")[2], [Reply()])
            return script.pop(0) if len(script) > 1 else script[0]

    def of(self, job_id: str) -> list[Taken]:
        """The calls for a job so far."""
        with self._changed:
            return [call for call in self._calls if call.job_id == job_id]

    def wait_for(self, job_id: str, count: int = 1, timeout: float = 20) -> list[Taken]:
        """The calls for a job, once there are so many."""
        with self._changed:
            came = self._changed.wait_for(lambda: sum(call.job_id == job_id for call in self._calls) >= count, timeout)
        assert came, f"waited {timeout} s in vain for {count} calls; {len(self.of(job_id))} came"
        return self.of(job_id)


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with closing(Listener()) as listener:
        yield listener


@pytest.fixture(scope="module", params=["embedded", "services"])
def carillon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, listener: Listener
) -> Iterator[Installation]:
    """One process, then the services; kept for the whole file, since every example is a job of its own."""
    environment = {**QUICK, "CALLBACK_BASE_URL": listener.url}
    processes: Mapping[str, int] = {"serve": 1}
    if request.param == "services":
        processes = SERVICES
        environment["DATABASE_URL"] = _empty(request.getfixturevalue("postgresql_url"))
        environment["RABBITMQ_URL"] = request.getfixturevalue("rabbitmq_url")
    with Installation(tmp_path_factory.mktemp("carillon"), processes, environment) as installation:
        yield installation


def test_a_job_is_created_called_and_shown_as_printed(carillon: Installation, listener: Listener) -> None:
    before = datetime.now(UTC)
    job_id = _post(carillon, {**PRINTED, "task_type": "greet", "schedule": IMMEDIATE, "board_id": 4711})
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
    status = _ended(carillon, job_id, "completed")
    created_at = datetime.fromisoformat(status.pop("created_at"))
    assert before - EARLY <= created_at <= call.at
    logs = status.pop("logs")
    assert status == {"job_id": job_id, "status": "completed", "task_type": "greet", "scheduled_at": None}
    assert [entry["event_type"] for entry in logs] == ["execution_completed", "execution_started"]
    for entry in logs:
        assert set(entry) == {"event_type", "attempt_number", "error_type", "metadata", "created_at"}
        assert (entry["attempt_number"], entry["error_type"]) == (1, None)


def test_the_printed_polling_job_carries_its_state_and_a_key_for_each_poll(
    carillon: Installation, listener: Listener
) -> None:
    listener.script(
        "polling_task",
        _poll(polling_state={"last_row_index": 500}, done=False),
        _poll(done=False),  # no polling_state keeps the old one
        _poll(polling_state={"last_row_index": 700}, done="true"),  # only JSON true is done
        _poll(polling_state={"last_row_index": 800}, done=1),
        _poll(polling_state={"last_row_index": 900}),
        _poll(polling_state={"last_row_index": 999}, done=True),
    )
    job_id = _post(carillon, {**PRINTED, "schedule": {"type": "polling", "interval_seconds": 0.2}})
    calls = listener.wait_for(job_id, 6)
    assert _ended(carillon, job_id, "completed")["scheduled_at"] is None
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
    task_type = listener.script("polling_30", _poll(polling_state={"seen": 1}))
    posted_at = datetime.now(UTC)
    job_id = _post(carillon, {**PRINTED, "task_type": task_type})
    [call] = listener.wait_for(job_id)
    assert call.at - posted_at < LATE
    until(lambda: len(_runs(carillon, job_id)) == 2, "the next poll's row", 10)
    following, first = _runs(carillon, job_id)
    waits = datetime.fromisoformat(following["due_at"]) - datetime.fromisoformat(first["finished_at"])
    assert waits == timedelta(seconds=30)
    assert _status(carillon, job_id)["status"] == "pending"
    carillon.session.post(f"{carillon.url}/api/jobs/{job_id}/cancel", timeout=10).raise_for_status()


@pytest.mark.parametrize("board_id", [4711, 0, "4711", "board", None])
def test_board_id_reaches_the_callback_unchanged(
    carillon: Installation, listener: Listener, board_id: str | int | None
) -> None:
    [call] = listener.wait_for(_post(carillon, {**PRINTED, "schedule": IMMEDIATE, "board_id": board_id, **_greet()}))
    arrived = call.body["payload"]["board_id"]
    assert (type(arrived), arrived) == (type(board_id), board_id)


def test_a_receiver_that_answers_500_twice_is_called_three_times_under_one_key(
    carillon: Installation, listener: Listener
) -> None:
    task_type = listener.script("twice_500", Reply(500), Reply(500), Reply())
    job_id = _post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, "retry_backoff_base": 0.4})
    until(lambda: _status(carillon, job_id)["logs"][:1], "the first attempt's log", 10)
    logs = _ended(carillon, job_id, "completed")["logs"]
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
    job_id = _post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **_retries(2)})
    logs = _ended(carillon, job_id, "failed")["logs"]
    assert len(listener.of(job_id)) == 3
    assert len({call.key for call in listener.of(job_id)}) == 1
    failures = [entry for entry in logs if entry["event_type"] == "execution_failed"]
    assert [entry["error_type"] for entry in failures] == ["transient"] * 3
    assert {entry["metadata"]["status_code"] for entry in failures} == {status}


@pytest.mark.parametrize("status", [404, 400, 401, 302])
def test_any_other_answer_fails_at_once(carillon: Installation, listener: Listener, status: int) -> None:
    elsewhere = {"Location": f"{listener.url}/internal/jobs/elsewhere"}
    task_type = listener.script(f"always_{status}", Reply(status, headers=elsewhere))
    job_id = _post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **_retries(2)})
    logs = _ended(carillon, job_id, "failed")["logs"]
    assert len(listener.of(job_id)) == 1
    assert [entry["event_type"] for entry in logs] == ["execution_failed", "execution_started"]
    assert logs[0]["error_type"] == "permanent"
    assert set(logs[0]["metadata"]) == {"message", "status_code"}
    assert logs[0]["metadata"]["status_code"] == status


def test_no_answer_is_transient_and_has_no_status_code(carillon: Installation) -> None:
    nobody = "http://127.0.0.1:1/internal/jobs/greet"
    job_id = _post(carillon, {**PRINTED, "schedule": IMMEDIATE, "callback_url": nobody, **_greet(), **_retries(1)})
    logs = _ended(carillon, job_id, "failed")["logs"]
    failures = [entry for entry in logs if entry["event_type"] == "execution_failed"]
    assert [entry["error_type"] for entry in failures] == ["transient", "transient"]
    assert [entry["metadata"]["status_code"] for entry in failures] == [None, None]


def test_retry_after_in_seconds_is_honoured(carillon: Installation, listener: Listener) -> None:
    task_type = listener.script("later", Reply(429, headers={"Retry-After": "2"}), Reply())
    job_id = _post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **_retries(1)})
    _ended(carillon, job_id, "completed")
    first, second = listener.of(job_id)
    assert timedelta(seconds=2) <= second.at - first.at < timedelta(seconds=2) + LATE


def test_retry_after_as_a_date_is_honoured(carillon: Installation, listener: Listener) -> None:
    not_before = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    busy = Reply(503, headers={"Retry-After": format_datetime(not_before, usegmt=True)})
    task_type = listener.script("at_a_date", busy, Reply())
    job_id = _post(carillon, {**PRINTED, "schedule": IMMEDIATE, "task_type": task_type, **_retries(1)})
    _ended(carillon, job_id, "completed")
    assert not_before - EARLY <= listener.of(job_id)[1].at < not_before + LATE


@pytest.mark.parametrize(
    ("name", "answer"),
    [("html", b"<html>Welcome</html>"), ("empty", b""), ("array", b"[]"), ("bad_state", b'{"polling_state": 5}')],
)
def test_a_polling_answer_that_cannot_be_read_fails_after_the_retries_and_is_not_polled_for_ever(
    carillon: Installation, listener: Listener, name: str, answer: bytes
) -> None:
    task_type = listener.script(f"poll_{name}", Reply(200, answer))
    fields = {**PRINTED, "task_type": task_type, "schedule": {"type": "polling", "interval_seconds": 0.1}}
    job_id = _post(carillon, {**fields, **_retries(2)})
    logs = _ended(carillon, job_id, "failed")["logs"]
    assert len(_runs(carillon, job_id)) == 1, "no poll follows one that failed for good"
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
        _poll(polling_state={"n": 1}),
        Reply(200, b"<html>down for maintenance</html>"),
        _poll(polling_state={"n": 2}),
        _poll(done=True),
    )
    fields = {**PRINTED, "task_type": task_type, "schedule": {"type": "polling", "interval_seconds": 0.1}}
    job_id = _post(carillon, {**fields, **_retries(1)})
    _ended(carillon, job_id, "completed")
    calls = listener.of(job_id)
    assert [call.body["polling_state"] for call in calls] == [{}, {"n": 1}, {"n": 1}, {"n": 2}]
    assert calls[1].key == calls[2].key
    assert len({call.key for call in calls}) == 3


def _naive(at: datetime) -> dict[str, Any]:
    return {"type": "run_at", "timestamp": at.replace(tzinfo=None).isoformat()}


def _with_offset(at: datetime) -> dict[str, Any]:
    return {"type": "run_at", "timestamp": at.astimezone(ZoneInfo("Asia/Kolkata")).isoformat()}


def _in_zone(at: datetime) -> dict[str, Any]:
    local = at.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)
    return {"type": "run_at", "timestamp": local.isoformat(), "timezone": "America/New_York"}


@pytest.mark.parametrize("written", [_naive, _with_offset, _in_zone])
def test_run_at_runs_at_its_instant(
    carillon: Installation, listener: Listener, written: Callable[[datetime], dict[str, Any]]
) -> None:
    at = datetime.now(UTC) + timedelta(seconds=3)
    job_id = _post(carillon, {**PRINTED, "schedule": written(at), **_greet()})
    status = _status(carillon, job_id)
    assert datetime.fromisoformat(status["scheduled_at"]) == at
    assert (status["status"], status["logs"]) == ("pending", [])
    [call] = listener.wait_for(job_id)
    assert at - EARLY <= call.at < at + LATE
    assert datetime.fromisoformat(call.headers["X-Carillon-Scheduled-For"]) == at
    _ended(carillon, job_id, "completed")


def test_run_at_in_the_past_runs_at_once(carillon: Installation, listener: Listener) -> None:
    posted_at = datetime.now(UTC)
    job_id = _post(carillon, {**PRINTED, "schedule": _naive(posted_at - timedelta(days=400)), **_greet()})
    [call] = listener.wait_for(job_id)
    assert call.at - posted_at < LATE
    _ended(carillon, job_id, "completed")


@pytest.mark.parametrize("seconds", [0, 1.5, 4])
def test_a_delay_is_counted_from_acceptance(carillon: Installation, listener: Listener, seconds: float) -> None:
    schedule = {"type": "delay_from_now", "duration_seconds": seconds}
    job_id = _post(carillon, {**PRINTED, "schedule": schedule, **_greet()})
    status = _status(carillon, job_id)
    at = datetime.fromisoformat(status["created_at"]) + timedelta(seconds=seconds)
    assert datetime.fromisoformat(status["scheduled_at"]) == at
    [call] = listener.wait_for(job_id)
    assert at - EARLY <= call.at < at + LATE
    _ended(carillon, job_id, "completed")


def test_cron_runs_on_the_minute_and_ends_after_its_runs(carillon: Installation, listener: Listener) -> None:
    schedule = {"type": "cron", "expression": "* * * * *", "max_runs": 1}
    job_id = _post(carillon, {**PRINTED, "schedule": schedule, **_greet()})
    status = _status(carillon, job_id)
    at = datetime.fromisoformat(status["scheduled_at"])
    accepted_at = datetime.fromisoformat(status["created_at"])
    assert at == accepted_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    [call] = listener.wait_for(job_id, timeout=65)
    assert at - EARLY <= call.at < at + LATE
    assert datetime.fromisoformat(call.headers["X-Carillon-Scheduled-For"]) == at
    assert "polling_state" not in call.body
    _ended(carillon, job_id, "completed")


def test_a_schedule_that_does_not_fit_is_refused_and_never_run_at_once(
    carillon: Installation, listener: Listener
) -> None:
    task_type = listener.script("never", Reply())
    answer = carillon.session.post(
        f"{carillon.url}/api/jobs/create",
        json={**PRINTED, "task_type": task_type, "schedule": {"type": "cron", "interval_seconds": 30}},
        timeout=10,
    )
    assert answer.status_code == 400
    assert "expression" in answer.text
    control = _post(carillon, {**PRINTED, "task_type": task_type, "schedule": IMMEDIATE})
    _ended(carillon, control, "completed")
    assert [call.job_id for call in listener.wait_for(control)] == [control]


def test_paths_are_served_with_a_trailing_slash_too(carillon: Installation) -> None:
    answer = carillon.session.post(
        f"{carillon.url}/api/jobs/create/", json={**PRINTED, "schedule": IMMEDIATE, **_greet()}, timeout=10
    )
    assert answer.status_code == 201
    assert carillon.get(f"/api/jobs/{answer.json()['id']}/status/")["job_id"] == answer.json()["id"]


def _post(carillon: Installation, body: Mapping[str, Any]) -> str:
    """Create a job as the document prints it; its id."""
    answer = carillon.session.post(f"{carillon.url}/api/jobs/create", json=body, timeout=10)
    assert answer.status_code == 201, answer.text
    created = answer.json()
    assert set(created) == {"id"}
    assert str(UUID(created["id"])) == created["id"]
    return str(created["id"])


def _status(carillon: Installation, job_id: str) -> dict[str, Any]:
    status: dict[str, Any] = carillon.get(f"/api/jobs/{job_id}/status")
    assert set(status) == {"job_id", "status", "task_type", "created_at", "scheduled_at", "logs"}
    return status


def _ended(carillon: Installation, job_id: str, word: str) -> dict[str, Any]:
    """The job's status once it is over, which must be with this word."""
    deadline = time.monotonic() + 20
    until(
        lambda: _status(carillon, job_id)["status"] in {"completed", "failed", "cancelled"},
        f"job {job_id} to end",
        deadline - time.monotonic(),
    )
    status = _status(carillon, job_id)
    assert status["status"] == word, status
    return status


def _runs(carillon: Installation, job_id: str) -> list[dict[str, Any]]:
    return carillon.runs([job_id])[job_id]


def _poll(**answer: Any) -> Reply:
    return Reply(200, json.dumps(answer).encode())


def _greet() -> dict[str, Any]:
    return {"task_type": "greet"}


def _retries(count: int) -> dict[str, Any]:
    return {"max_retries": count, "retry_backoff_base": 0.1}


def _empty(url: str) -> str:
    """The database without what former tests left; its URL."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return url
