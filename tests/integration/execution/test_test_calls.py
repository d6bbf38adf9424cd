"""A test call of a job: sent once, marked, shown with its answer; no run is made, and nothing else follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest

from actors.handlers.call import perform_call
from core import built_in_apps, trace_context
from core.errors import TooMany
from core.principals import LOCAL
from core.quotas import Quotas
from core.schedules import Cron, Polling
from core.trace_context import TraceContext
from services.apps import apps, quotas
from services.apps.app_views import AppDefinition
from services.execution import test_call_places, test_calls
from services.execution.work import Result, Work
from services.jobs import creating
from services.runtime.abort_scope import AbortScope
from services.system import System
from tests.factories import GivenSystem, given_system, new_job, runs_of, stored_job
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.execution.answering import Server, answering
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site

NEXT_YEAR = Cron("0 3 1 1 *")


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return replace(given_system(commands_allowed="echo"), perform_call=perform_call)


def made(system: GivenSystem, **wanted: Any) -> UUID:
    return creating.create(LOCAL, system, new_job(wanted.pop("schedule", NEXT_YEAR), **wanted))


def call(system: GivenSystem, job_id: UUID | str) -> Any:
    return Client(served(system)).simulate_post(f"/api/jobs/{job_id}/test-call")


def test_the_call_is_part_of_the_trace_of_the_request(system: GivenSystem, server: Server) -> None:
    trace = TraceContext("1" * 32, "2" * 16)
    test_calls.of_job(replace(LOCAL, trace=trace), system, made(system, callback_url=server.url))
    [(_, _, headers, _)] = server.got
    carried = trace_context.parsed(headers["traceparent"])
    assert carried is not None
    assert carried == trace.child(carried.span_id)


def test_the_call_is_sent_once_marked_and_no_run_is_made(system: GivenSystem, server: Server) -> None:
    server.body = b'{"rows": 3}'
    job_id = made(system, callback_url=server.url)
    before = [run.id for run in runs_of(job_id)]
    answer = call(system, job_id)
    assert answer.status_code == 200
    assert (answer.json["outcome"], answer.json["answer"]) == ("succeeded", '{"rows": 3}')
    assert answer.json["call"]["answer"]["status_code"] == 200
    assert [one["name"] for one in answer.json["call"]["phases"]] == ["look_up", "connect", "send", "wait", "receive"]
    [(_, _, headers, _)] = server.got
    assert headers["x-carillon-test"] == "true"
    assert "traceparent" not in headers
    assert [run.id for run in runs_of(job_id)] == before
    token = {"X-Carillon-Report-Token": headers["x-carillon-report-token"]}
    report = Client(served(system)).simulate_post(f"/reports/{headers['x-carillon-run-id']}/complete", headers=token)
    assert report.status_code == 401


@pytest.mark.parametrize(
    ("status", "outcome", "told"),
    [(500, "failed", "500"), (422, "failed", "422"), (202, "deferred", None)],
)
def test_what_a_run_would_make_of_the_answer_is_told(
    system: GivenSystem, server: Server, status: int, outcome: str, told: str | None
) -> None:
    server.status = status
    answer = call(system, made(system, callback_url=server.url)).json
    assert answer["outcome"] == outcome
    assert told is None or told in answer["error_message"]


def test_a_polling_job_keeps_its_state(system: GivenSystem, server: Server) -> None:
    server.body = b'{"polling_state": {"seen": 9}, "done": true}'
    job_id = made(system, schedule=Polling(interval_seconds=60), callback_url=server.url)
    before = stored_job(job_id).polling_state
    assert call(system, job_id).json["outcome"] == "succeeded"
    assert stored_job(job_id).polling_state == before


def test_a_receiver_that_is_silent_is_given_up(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_calls, "LONGEST_SECONDS", 0.01)
    answer = call(replace(system, perform_call=waits_for_ever), made(system, time_limit_seconds=0.01)).json
    assert (answer["outcome"], answer["call"]) == ("failed", None)
    assert answer["error_message"] == "It took longer than its limit of 0.01 s."


def test_a_receiver_that_a_run_would_wait_for_longer_is_not_judged(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_calls, "LONGEST_SECONDS", 0.01)
    never = replace(system, perform_call=waits_for_ever)
    answer = call(never, made(system)).json
    assert (answer["outcome"], answer["error_type"]) == ("undecided", None)
    assert answer["error_message"] == "The test waits at most 0.01 s; a run waits 30 s: no verdict."
    browser = Browser(site(never))
    page = browser.submit(browser.load(f"/dashboard/jobs/{made(system)}").form("Send a test call"))
    assert answer["error_message"] in page.text
    assert "would have failed" not in page.text


def waits_for_ever(_system: object, _work: object, scope: AbortScope) -> NoReturn:
    woken = Event()
    with scope.interruptible(woken.set):
        woken.wait()
    scope.raise_if_aborted()
    raise AssertionError("nobody ended it")


def test_what_makes_no_call_or_is_not_there_is_refused(system: GivenSystem) -> None:
    command = made(system, task_type="run_command", data={"command": "echo hi"})
    assert call(system, command).status_code == 409
    assert call(system, NO_JOB).status_code == 404
    assert call(given_system(), command).status_code == 409


def test_the_third_call_at_once_and_the_second_of_an_app_are_refused_at_once(
    system: GivenSystem, server: Server
) -> None:
    job_id = made(system, callback_url=server.url)
    with test_call_places.place(), test_call_places.place():
        assert_refused(call(system, job_id), "2 test calls are under way")
    with test_call_places.turn_of(stored_job(job_id).app_id, None):
        assert_refused(call(system, job_id), "for this app is under way")
    assert server.got == []
    assert [call(system, job_id).status_code for _ in range(3)] == [200, 200, 200], "each gives its place back"


def test_a_user_has_one_call_at_a_time_whichever_app_it_is_of_and_with_whichever_key(
    system: GivenSystem, server: Server
) -> None:
    job_id = made(system, callback_url=server.url)
    caller = replace(LOCAL, user_id=uuid4())
    with test_call_places.turn_of(uuid4(), caller.user_id):
        with pytest.raises(TooMany, match="of yours is under way"):
            test_calls.of_job(caller, system, job_id)
        assert server.got == []
        assert test_calls.of_job(replace(LOCAL, user_id=uuid4()), system, job_id).outcome == "succeeded"
        assert test_calls.of_job(LOCAL, system, job_id).outcome == "succeeded"
        with pytest.raises(TooMany, match="of yours is under way"):
            test_calls.of_job(replace(LOCAL, key_id=uuid4(), maker_id=caller.user_id), system, job_id)
    assert test_calls.of_job(caller, system, job_id).outcome == "succeeded"


def test_in_a_shared_app_nobody_waits_for_the_call_of_another_user(system: GivenSystem, server: Server) -> None:
    job_id = made(system, app_name=built_in_apps.SCHEDULER, callback_url=server.url)
    anna, berta = replace(LOCAL, user_id=uuid4()), replace(LOCAL, user_id=uuid4())
    of_berta: list[str] = []

    def call_while_berta_calls(calling: System, work: Work, scope: AbortScope) -> Result:
        of_berta.append(test_calls.of_job(berta, system, job_id).outcome)
        return perform_call(calling, work, scope)

    outcome = test_calls.of_job(anna, replace(system, perform_call=call_while_berta_calls), job_id).outcome
    assert (outcome, of_berta) == ("succeeded", ["succeeded"])


def test_in_an_app_of_one_tenant_its_members_have_one_call_at_a_time_together(
    system: GivenSystem, server: Server
) -> None:
    apps.create(LOCAL, system, "shop", AppDefinition(server.url.partition("/x")[0], {}))
    job_id = made(system, app_name="shop")
    with test_call_places.turn_of(stored_job(job_id).app_id, uuid4()), pytest.raises(TooMany, match="this app"):
        test_calls.of_job(replace(LOCAL, user_id=uuid4()), system, job_id)


def assert_refused(answer: Any, why: str) -> None:
    assert answer.status_code == 429
    assert why in answer.json["detail"]
    assert answer.headers["Retry-After"] == "10"


def test_nothing_of_a_paused_app_or_installation_is_called(system: GivenSystem, server: Server) -> None:
    apps.create(LOCAL, system, "shop", AppDefinition(server.url.partition("/x")[0], {}))
    job_id = made(system, app_name="shop")
    client = Client(served(system))
    paths = {"/api/apps/shop/test-call": {"task_type": "greet"}, f"/api/jobs/{job_id}/test-call": None}
    for what in ("apps/shop", "installation"):
        client.simulate_post(f"/api/{what}/pause")
        for path, body in paths.items():
            answer = client.simulate_post(path, json=body)
            assert (answer.status_code, "paused" in answer.json["detail"]) == (409, True)
        client.simulate_post(f"/api/{what}/resume")
    assert server.got == []
    assert all(client.simulate_post(path, json=body).status_code == 200 for path, body in paths.items())


def test_the_data_of_a_call_counts_against_the_quota_of_the_app(system: GivenSystem, server: Server) -> None:
    apps.create(LOCAL, system, "shop", AppDefinition(server.url.partition("/x")[0], {}))
    quotas.put(LOCAL, system, "shop", Quotas(payload_bytes=20))
    body = {"task_type": "greet", "data": {"text": "x" * 20}}
    assert set(refusal(Client(served(system)).simulate_post("/api/apps/shop/test-call", json=body))) == {"data"}
    assert server.got == []


def test_the_receiver_of_an_app_is_called_for_one_of_its_task_types(system: GivenSystem, server: Server) -> None:
    apps.create(LOCAL, system, "shop", AppDefinition(server.url.partition("/x")[0], {}))
    client = Client(served(system))
    body = {"task_type": "greet", "data": {"n": 1}}
    answer = client.simulate_post("/api/apps/shop/test-call", json=body)
    assert answer.json["outcome"] == "succeeded"
    [(_, path, headers, sent)] = server.got
    assert (path, headers["x-carillon-test"]) == ("/internal/jobs/greet", "true")
    assert json.loads(sent)["payload"]["data"] == {"n": 1}
    for wrong, status in (({"task_type": "http"}, 400), ({}, 400), ({"task_type": "greet", "data": 1}, 400)):
        assert client.simulate_post("/api/apps/shop/test-call", json=wrong).status_code == status
    assert client.simulate_post("/api/apps/none/test-call", json=body).status_code == 404
    browser = Browser(site(system))
    page = browser.submit(browser.load("/dashboard/apps/shop").form("Send a test call"), task_type="greet", data="")
    assert "A run would have succeeded with this answer." in page.text
    assert browser.submit(page.form("Call again")).status == 200
    assert len(server.got) == 3


def test_the_page_of_a_job_sends_it_and_shows_what_came_back(system: GivenSystem, server: Server) -> None:
    job_id = made(system, name="Nightly", callback_url=server.url)
    browser = Browser(site(system))
    page = browser.submit(browser.load(f"/dashboard/jobs/{job_id}").form("Send a test call"))
    assert "A run would have succeeded with this answer." in page.text
    assert "X-Carillon-Test: true" in page.text
    assert "first byte after" in page.text
    [bar] = [given for tag, given in page.elements if tag == "svg" and given.get("class") == "chart phases"]
    assert str(bar["aria-label"]).startswith("look-up ")
    server.status = 500
    assert "A run would have failed and been retried" in browser.submit(page.form("Call again")).text
    assert len(server.got) == 2
