"""What is kept of an attempt's call: request, answer, address and phases, masked and cut; JSON answers are results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from actors.handlers.call import perform_call
from core.calls import CallsKept
from core.errors import AbortReason
from core.principals import LOCAL
from models import database
from models.tables import KeptCall
from services.execution import careful_recording, kept_calls
from services.execution.transcripts import Transcript
from services.execution.work import Result, Stopped
from services.jobs import creating
from services.reading import records
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, claim_one, given_system, new_job, record, stored_run
from tests.integration.execution.answering import Server, answering

NO_RECEIVER = "http://127.0.0.1:9"


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


def attempt(system: GivenSystem, url: str, result: Result | None = None, **asked: Any) -> UUID:
    """The id of a run that was attempted once, as workers do it."""
    creating.create(LOCAL, system, new_job(callback_url=url, **asked))
    work = claim_one(system)
    ended = careful_recording.as_kept(result or perform_call(system, work, AbortScope()))
    kept_calls.prepare(system, work, ended)
    record(system, work, ended)
    return work.run_id


def call_of(run_id: UUID) -> Any:
    [one] = records.run(LOCAL, run_id)[1]
    return one.call


def test_what_was_sent_and_answered_is_shown_with_the_time_of_each_phase(system: GivenSystem, server: Server) -> None:
    server.headers = {"Set-Cookie": "session=canary", "X-Trace": "abc"}
    call = call_of(attempt(system, server.url))
    assert (call["request"]["method"], call["request"]["url"]) == ("POST", server.url)
    assert json.loads(call["request"]["body"])["payload"]["data"] == {"some_key": "some_value"}
    assert call["request"]["size"] == len(server.got[0][3])
    assert call["request"]["headers"]["X-Carillon-Report-Token"] == "***"
    assert call["request"]["headers"]["X-Carillon-Attempt"] == "1"
    assert (call["address"], call["over_kept_connection"]) == ("127.0.0.1", False)
    assert (call["answer"]["status_code"], call["answer"]["size"]) == (200, 2)
    assert call["answer"]["headers"]["x-trace"] == "abc"
    assert "canary" not in json.dumps(call)
    assert [one["name"] for one in call["phases"]] == ["look_up", "connect", "send", "wait", "receive"]
    assert all(one["seconds"] >= 0 for one in call["phases"])


def test_a_call_that_is_not_answered_ends_in_the_phase_that_failed(system: GivenSystem) -> None:
    call = call_of(attempt(system, NO_RECEIVER))
    assert call["answer"] is None
    assert [one["name"] for one in call["phases"]] == ["look_up", "connect"]


def test_a_body_is_cut_at_16_kib_and_its_size_is_told(system: GivenSystem, server: Server) -> None:
    call = call_of(attempt(system, server.url, data={"text": "x" * 50_000}))
    assert len(call["request"]["body"]) == 16 * 1024
    assert call["request"]["size"] > 50_000


def test_headers_are_cut_in_name_value_and_all_together() -> None:
    transcript = Transcript()
    transcript.sends("GET", "http://a.example/?token=canary", {}, None)
    many = {f"X-{number}-{'n' * 500}": "v" * 5_000 for number in range(100)}
    transcript.answered(302, {"Location": "/in?session=canary", **many}, 0)
    told: Any = transcript.as_json()
    headers = told["answer"]["headers"]
    assert headers["Location"] == "/in?session=***"
    assert told["request"]["url"] == "http://a.example/?token=***"
    assert 10_000 < sum(len(name) + len(value) for name, value in headers.items()) <= 16 * 1024
    assert max(map(len, headers)) == 200
    assert max(map(len, headers.values())) == 1_000


def test_a_failure_that_no_call_caused_shows_none(system: GivenSystem) -> None:
    run_id = attempt(system, NO_RECEIVER, Stopped(AbortReason.SHUTDOWN))
    assert call_of(run_id) is None


@pytest.mark.parametrize(
    ("kept", "status", "count"),
    [(CallsKept.NONE, 500, 0), (CallsKept.FAILED, 200, 0), (CallsKept.FAILED, 500, 1), (CallsKept.ALL, 200, 1)],
)
def test_the_setting_says_whose_calls_are_kept(
    store: str, server: Server, kept: CallsKept, status: int, count: int
) -> None:
    server.status = status
    attempt(given_system(calls_kept=kept), server.url)
    with database.reading():
        assert KeptCall.select().count() == count


def test_a_call_goes_with_its_run(system: GivenSystem, server: Server) -> None:
    run_id = attempt(system, server.url)
    with system.transaction():
        stored_run(run_id).delete_instance()
        assert KeptCall.select().count() == 0


@pytest.mark.parametrize(
    ("media_type", "body", "result"),
    [
        ("application/json", b'{"rows": 3}', {"rows": 3}),
        ("application/problem+json; charset=utf-8", b"[1, null]", [1, None]),
        ("text/plain", b'{"rows": 3}', None),
        ("application/json", b"{rows", None),
        ("application/json", b"[" * 50_000, None),
        ("application/json", b'{"a": 1, "a": 2}', None),
        ("application/json", b'"' + b"x" * 70_000 + b'"', None),
    ],
)
def test_a_json_answer_is_the_result_of_the_run(
    system: GivenSystem, server: Server, media_type: str, body: bytes, result: Any
) -> None:
    server.headers, server.body = {"Content-Type": media_type}, body
    run = stored_run(attempt(system, server.url))
    assert (run.status, run.result) == ("completed", result)
