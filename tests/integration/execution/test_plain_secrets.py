"""Secrets that a request has in plain, in a header or its address, are seen nowhere in what is kept of its call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.handlers.call import perform_call
from core.principals import LOCAL
from models.tables import Run
from services.execution import careful_recording, kept_calls
from services.jobs import creating
from services.reading import records
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, claim_one, first_run, given_system, new_job, record, stored_run
from tests.integration.api.client import PRINTED, Client, served
from tests.integration.execution.answering import Server, answering
from tests.integration.execution.executing import execute
from tests.integration.execution.overhearing import overheard


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


def kept(system: GivenSystem, **job: Any) -> str:
    """Everything that is shown of the run of a job, attempted as workers do it."""
    creating.create(LOCAL, system, new_job(**job))
    work = claim_one(system)
    ended = careful_recording.as_kept(perform_call(system, work, AbortScope()))
    kept_calls.prepare(system, work, ended)
    record(system, work, ended)
    run, attempts = records.run(LOCAL, work.run_id)
    return json.dumps([asdict(run), *map(asdict, attempts)], default=str)


GIVEN: list[tuple[dict[str, Any], str]] = [
    ({"headers": {"Authorization": "Bearer CANARY-in-plain"}}, "Bearer CANARY-in-plain"),
    ({"headers": {"Authorization": "Bearer CANARY-in-plain"}}, "the token CANARY-in-plain"),
    ({"headers": {"X-Api-Key": "CANARY-in-plain"}}, "CANARY-in-plain"),
    ({"headers": {"Cookie": "a=CANARY-in-plain"}}, "a=CANARY-in-plain"),
    ({"url": "?a=1&api_key=CANARY%20in%20plain"}, "CANARY in plain"),
]


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize(("given", "echo"), GIVEN)
def test_a_plain_secret_that_a_receiver_sends_back_is_not_kept(
    system: GivenSystem, server: Server, given: dict[str, Any], echo: str, status: int
) -> None:
    server.status, server.headers = status, {"X-Echo": echo, "Content-Type": "application/json"}
    server.body = json.dumps({"headers": {"got": echo}, "shown": "as it is"}).encode()
    url = server.url.removesuffix("?y=1") + given.get("url", "")
    shown = kept(system, task_type="http", data={"body": echo, **given, "url": url})
    assert len(server.got) == 1
    assert "CANARY" not in shown
    assert "as it is" in shown


@pytest.mark.parametrize("status", [200, 404])
def test_the_secret_of_a_callback_s_address_that_a_receiver_sends_back_is_not_kept(
    system: GivenSystem, server: Server, status: int
) -> None:
    server.status, server.headers = status, {"X-Echo": "CANARY in plain", "Content-Type": "application/json"}
    server.body = json.dumps({"result": {"got": "CANARY in plain"}, "error": "no CANARY in plain"}).encode()
    url = server.url.removesuffix("?y=1") + "?api_key=CANARY%20in%20plain"
    shown = kept(system, callback_url=url)
    assert len(server.got) == 1
    assert "CANARY" not in shown


EVERYWHERE = ("log", "metrics", "of_job", "of_run")
IN_PLAIN: dict[str, tuple[dict[str, Any], str, Sequence[str]]] = {
    "header": ({"headers": {"Authorization": "Bearer CANARY-in-plain"}}, "", EVERYWHERE),
    "address": ({}, "?a=1&api_key=CANARY-in-plain", EVERYWHERE),
    "body": ({"body": {"text": "CANARY-in-plain"}}, "", ("log", "metrics")),
}


@pytest.mark.parametrize("status", [200, 404, 503])
@pytest.mark.parametrize("name", IN_PLAIN)
def test_what_a_request_has_in_plain_is_in_no_log_no_metric_and_no_live_update(
    system: GivenSystem, server: Server, name: str, status: int
) -> None:
    """The body of a job is shown to whoever may see it, live too: it is no place for secrets."""
    given, query, where = IN_PLAIN[name]
    server.status, server.headers = status, {"X-Echo": "CANARY-in-plain", "Content-Type": "application/json"}
    server.body = b'{"got": "CANARY-in-plain"}'
    data = {**given, "url": server.url.removesuffix("?y=1") + query}

    def act() -> Run:
        made = first_run(system, task_type="http", data=data)
        execute(system)
        return stored_run(made.id)

    told = overheard(system, act)
    assert (told.returned.attempt_count, len(server.got)) == (1, 1)
    assert "execution_recorded" in told.log
    assert "carillon_attempt_duration_seconds_count" in told.metrics
    assert str(told.returned.id) in told.of_run
    assert [one for one in where if "CANARY" in getattr(told, one)] == []


@pytest.mark.parametrize("status", [200, 404, 503])
def test_the_secret_of_a_callback_s_address_is_in_no_log_no_metric_and_no_live_update(
    system: GivenSystem, server: Server, status: int
) -> None:
    server.status, server.headers = status, {"X-Echo": "CANARY-in-plain", "Content-Type": "application/json"}
    server.body = b'{"result": "CANARY-in-plain", "error": "no CANARY-in-plain"}'

    def act() -> None:
        first_run(system, callback_url=f"{server.url}&api_key=CANARY-in-plain")
        execute(system)

    told = overheard(system, act)
    assert len(server.got) == 1
    assert [text for text in told.everything if "CANARY" in text] == []


@pytest.mark.parametrize("member", ["data", "callback_url"])
def test_an_address_with_a_password_is_refused_and_repeated_nowhere(system: GivenSystem, member: str) -> None:
    url = "http://anna:CANARY-in-plain@receiver.example/"
    given = {"data": {"url": url}, "task_type": "http"} if member == "data" else {member: url}
    with capture_logs() as logged:
        answer = Client(served(system)).simulate_post("/api/jobs/create", json={**PRINTED, **given})
    assert (answer.status_code, "user name or password" in answer.text) == (400, True)
    assert "CANARY" not in answer.text + repr(logged)


def test_a_short_word_is_left_where_it_stands(system: GivenSystem, server: Server) -> None:
    server.body = b"once upon a time"
    shown = kept(system, task_type="http", data={"url": server.url, "headers": {"X-Auth-Mode": "on"}})
    assert "once upon a time" in shown


def test_the_address_of_a_callback_is_masked_in_the_body_that_repeats_it_too(
    system: GivenSystem, server: Server
) -> None:
    url = server.url + "&api_key=CANARY-in-plain"
    shown = kept(system, callback_url=url)
    assert "CANARY" in server.got[0][1]
    assert json.loads(server.got[0][3])["payload"]["callback_url"] == url
    assert "CANARY" not in shown
    assert "api_key=***" in shown


def test_an_address_that_the_cut_of_a_body_splits_is_masked(system: GivenSystem, server: Server) -> None:
    for length in range(16_330, 16_400, 5):
        data = {"a": "x" * (length - 300), "url": "https://example.com/?token=CANARY-in-plain"}
        assert "CANARY" not in kept(system, callback_url=server.url, data=data)
