"""Requests of a job's own making, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from actors.handlers.call import perform_call
from core.errors import PermanentFailure, TransientFailure
from core.principals import LOCAL
from core.receiver_answers import PollAnswer
from core.retry import RetryPolicy
from services.apps import apps
from services.execution.work import Deferred, Failed, Result, Succeeded, Work
from services.jobs import creating
from services.runtime.abort_scope import AbortScope
from services.task_types import targets
from tests.factories import NOON, claim_one, given_system, new_job
from tests.integration.execution.answering import Server, answering


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as serving:
        yield serving


def work(
    data: Any,
    *,
    task_type: str = "http",
    callback_url: str | None = None,
    request: dict[str, Any] | None = None,
    **changes: Any,
) -> Work:
    """An attempt at a job that has a callback URL, or whose app maps its task type to a request."""
    target = targets.of(
        given_system().settings, task_type, callback_url=callback_url, request=request, base_url=None, data=data
    )
    values: dict[str, Any] = {
        "run_id": uuid4(),
        "job_id": uuid4(),
        "attempt": 2,
        "fence": 2,
        "scheduled_for": NOON,
        "task_type": task_type,
        "target": target,
        "board_id": None,
        "data": data,
        "policy": RetryPolicy(3, 60),
        "time_limit_seconds": 5,
        "polling_state": None,
        "polling_version": 0,
        "claimed_monotonic": 0.0,
        "report_token": "a token",
        "app_id": uuid4(),
    }
    return Work(**{**values, **changes})


def perform(one: Work) -> Result:
    return perform_call(given_system(), one, AbortScope())


def test_a_request_goes_out_as_it_is_written(server: Server) -> None:
    one = work({"url": server.url, "method": "PUT", "headers": {"X-Mine": "a"}, "body": "plain"})
    assert perform(one) == Succeeded(200, "{}", result={"status_code": 200})
    [(method, path, headers, body)] = server.got
    assert (method, path, body) == ("PUT", "/x?y=1", b"plain")
    assert (headers["x-mine"], headers["content-type"]) == ("a", "text/plain; charset=utf-8")
    assert headers["idempotency-key"] == str(one.run_id)
    assert "x-carillon-report-token" not in headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_a_request_needs_no_body(server: Server, method: str) -> None:
    assert isinstance(perform(work({"url": server.url, "method": method})), Succeeded)
    [(sent, _, headers, body)] = server.got
    assert (sent, body) == (method, b"")
    assert "content-type" not in headers


def test_a_body_is_filled_from_the_data_and_the_run(server: Server) -> None:
    body = {
        "text": "Hello {{data.name}}, try {{run.attempt}}",
        "rows": "{{data.rows}}",
        "list": ["{{ data.deep.flag }}", 7],
        "at": "{{run.scheduled_for}}",
    }
    data = {"name": 'A "quoted" <name>', "rows": [1, 2.5, None], "deep": {"flag": True}}
    perform(work({"url": server.url, "body": body, "data": data}))
    [(_, _, headers, sent)] = server.got
    assert headers["content-type"] == "application/json"
    assert json.loads(sent) == {
        "text": 'Hello A "quoted" <name>, try 2',
        "rows": [1, 2.5, None],
        "list": [True, 7],
        "at": "2026-11-20T12:00:00Z",
    }


def test_a_type_of_the_headers_own_stands(server: Server) -> None:
    perform(work({"url": server.url, "headers": {"content-type": "application/xml"}, "body": "<a/>"}))
    assert server.got[0][2]["content-type"] == "application/xml"


def test_an_apps_request_is_filled_from_the_jobs_data(server: Server) -> None:
    request = {"url": server.url, "body": {"for": "{{data.customer}}"}, "expected_statuses": ["200"]}
    perform(work({"customer": 7}, task_type="generate_report", request=request))
    assert json.loads(server.got[0][3]) == {"for": 7}


@pytest.mark.parametrize("body", ["{{data.name}}", "Hello {{data.name}}", {"a": ["{{data.name}}"]}])
def test_a_value_that_is_not_there_fails_for_good_and_nothing_is_sent(server: Server, body: Any) -> None:
    result = perform(work({"url": server.url, "body": body}))
    assert isinstance(result, Failed)
    assert isinstance(result.error, PermanentFailure)
    assert server.got == []


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (204, [], Succeeded),
        (202, [], Succeeded),
        (404, ["404"], Succeeded),
        (503, ["500-599"], Succeeded),
        (204, ["200"], PermanentFailure),
        (404, [], PermanentFailure),
        (302, [], PermanentFailure),
        (503, ["200"], TransientFailure),
        (429, [], TransientFailure),
    ],
)
def test_the_status_is_judged_by_what_is_expected(
    server: Server, status: int, expected: list[str], outcome: type[object]
) -> None:
    server.status, server.headers = status, {"Location": server.url}
    result = perform(work({"url": server.url, "expected_statuses": expected}))
    assert isinstance(result.error if isinstance(result, Failed) else result, outcome)
    assert len(server.got) == 1, "no redirect is followed"


def test_a_poll_by_request_reads_its_answer(server: Server) -> None:
    server.body = b'{"polling_state": {"page": 2}, "done": false}'
    body = {"page": "{{polling_state.page}}"}
    result = perform(work({"url": server.url, "body": body}, polling_state={"page": 1}))
    assert isinstance(result, Succeeded)
    assert result.poll == PollAnswer({"page": 2}, done=False, next_in_seconds=None, progress=None, message=None)
    assert json.loads(server.got[0][3]) == {"page": 1}


def test_data_that_no_longer_fits_fails_for_good(server: Server) -> None:
    result = perform(work({"url": server.url, "surprise": 1}))
    assert isinstance(result, Failed)
    assert result.error.permanent
    assert "surprise" in result.error.message


# --- Callbacks ---------------------------------------------------------------------------------------------


def test_a_callback_carries_where_and_by_what_to_report(server: Server) -> None:
    system = given_system(public_url="https://carillon.example.com/")
    one = work({}, task_type="greet", callback_url=server.url)
    perform_call(system, one, AbortScope())
    headers = server.got[0][2]
    assert headers["x-carillon-report-url"] == f"https://carillon.example.com/reports/{one.run_id}"
    assert headers["x-carillon-report-token"] == "a token"


def test_a_callback_answered_with_202_is_deferred(server: Server) -> None:
    server.status = 202
    assert perform(work({}, task_type="greet", callback_url=server.url)) == Deferred()
    assert perform(work({}, task_type="greet", callback_url=server.url, polling_state={})) == Deferred()


# --- Inner addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("task_type", ["http", "greet"])
def test_where_a_secret_is_set_a_job_cannot_reach_this_machine(server: Server, task_type: str) -> None:
    one = work({"url": server.url}, task_type=task_type, callback_url=server.url)
    guarded = given_system(internal_secret="s")  # noqa: S106
    result = perform_call(guarded, one, AbortScope())
    assert isinstance(result, Failed)
    assert result.error.permanent
    assert "127.0.0.1 has an address that is not allowed" in result.error.message
    assert not server.got
    opened = given_system(internal_secret="s", callback_networks_allowed="127.0.0.0/8")  # noqa: S106
    perform_call(opened, one, AbortScope())
    assert len(server.got) == 1


def test_the_receiver_that_the_operator_names_is_called_at_the_address_built_from_that_alone(
    sqlite: str, server: Server
) -> None:
    base = server.url.removesuffix("/x?y=1")
    guarded = given_system(internal_secret="s", callback_base_url=base)  # noqa: S106
    apps.put(LOCAL, guarded, "app_a", None, {})
    apps.put(LOCAL, guarded, "app_b", base, {})

    def called(**job: Any) -> Result:
        creating.create(LOCAL, guarded, new_job(**job))
        return perform_call(guarded, claim_one(guarded), AbortScope())

    assert isinstance(called(), Succeeded)
    for job in (
        {"callback_url": f"{base}/admin"},
        {"task_type": "http", "data": {"url": f"{base}/admin", "method": "DELETE"}},
        {"app_name": "app_b"},
    ):
        refused = called(**job)
        assert isinstance(refused, Failed)
        assert "an address that is not allowed" in refused.error.message
    assert [path for _, path, _, _ in server.got] == ["/internal/jobs/greet"]
