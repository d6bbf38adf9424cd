"""Secrets of an app in its requests: filled at the call, and never seen again; whom to call is judged as ever."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from actors.calls import exchange
from actors.execution import RunExecutor
from actors.handlers.call import perform_call
from actors.middleware import AttemptFailed
from core.errors import InvalidInput, PermanentFailure, TransientFailure
from core.principals import LOCAL
from models import database
from models.tables import ALL, Run
from services.apps import apps
from services.apps.app_views import TaskTypePolicy
from services.execution import workers
from services.execution.engine import Engine
from services.execution.leases import Leases
from services.execution.work import Failed, Result, Succeeded
from services.jobs import creating
from services.messaging import broker as brokers
from services.runtime.abort_scope import AbortScope
from services.secrets import named, rotating
from tests.factories import GivenSystem, attempts_at, claim_one, first_run, given_system, new_job
from tests.integration.api.client import Client, served
from tests.integration.execution.answering import Server, answering
from tests.integration.execution.overhearing import overheard

KEY = Fernet.generate_key().decode()
CANARY = 'cänary/"&42'


@pytest.fixture
def receiver() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def system(store: str) -> GivenSystem:
    system = given_system(secret_keys=KEY)
    apps.put(LOCAL, system, "app_a", None, {})
    named.put(LOCAL, system, "app_a", "CANARY", CANARY)
    return system


def perform(system: GivenSystem, data: Mapping[str, Any], **job: Any) -> Result:
    creating.create(LOCAL, system, new_job(**{"task_type": "http", "data": data, **job}))
    return perform_call(system, claim_one(system), AbortScope())


def test_secrets_are_filled_into_path_query_headers_and_body(system: GivenSystem, receiver: Server) -> None:
    url = receiver.url.replace("/x", "/{{secret.CANARY}}/x")
    headers = {"Authorization": "Bearer {{ secret.CANARY }}"}
    body = {"whole": "{{secret.CANARY}}", "part": ["a {{ secret.CANARY }} b"], "data": "{{data.x}}"}
    data = {"url": url, "headers": headers, "body": body, "data": {"x": "{{secret.CANARY}}"}}
    assert isinstance(perform(system, data), Succeeded)
    [(_, path, got, sent)] = receiver.got
    assert path == f"/{quote(CANARY, safe='')}/x?y=1"
    assert got["authorization"] == f"Bearer {CANARY}"
    assert json.loads(sent) == {"whole": CANARY, "part": [f"a {CANARY} b"], "data": "{{secret.CANARY}}"}


def test_an_apps_own_request_is_filled_too(system: GivenSystem, receiver: Server) -> None:
    request = {"url": receiver.url, "headers": {"X-Key": "{{secret.CANARY}}"}, "body": {"for": "{{data.customer}}"}}
    apps.put(LOCAL, system, "app_a", None, {"report": TaskTypePolicy(request=request)})
    assert isinstance(perform(system, {"customer": 7}, task_type="report"), Succeeded)
    [(_, _, got, sent)] = receiver.got
    assert (got["x-key"], json.loads(sent)) == (CANARY, {"for": 7})


def test_a_secret_of_another_app_is_not_filled(system: GivenSystem, receiver: Server) -> None:
    result = perform(system, {"url": receiver.url, "body": "{{secret.CANARY}}"}, app_name="app_b")
    assert isinstance(result, Failed)
    assert isinstance(result.error, PermanentFailure)
    assert receiver.got == []


def test_an_unknown_name_is_told_and_nothing_is_sent(system: GivenSystem, receiver: Server) -> None:
    result = perform(system, {"url": receiver.url, "body": ["{{secret.CANARY}} {{secret.NOBODY}}"]})
    assert isinstance(result, Failed)
    assert isinstance(result.error, PermanentFailure)
    assert "the secret NOBODY, which the app does not have" in result.error.message
    assert receiver.got == []


def test_a_secret_that_was_missing_is_there_once_it_is_put(system: GivenSystem, receiver: Server) -> None:
    request = {"url": receiver.url, "body": "{{secret.NEW}}"}
    assert isinstance(perform(system, request), Failed)
    named.put(LOCAL, system, "app_a", "NEW", "new")
    assert isinstance(perform(system, request), Succeeded)


def test_a_new_value_is_sent_after_a_few_seconds_at_most(system: GivenSystem, receiver: Server) -> None:
    request = {"url": receiver.url, "body": "{{secret.CANARY}}"}
    perform(system, request)
    named.put(LOCAL, system, "app_a", "CANARY", "new")
    system.clock.advance(named.KNOWN_SECONDS)
    perform(system, request)
    assert [sent.decode() for _, _, _, sent in receiver.got] == [CANARY, "new"]


def test_what_no_key_opens_is_tried_again(system: GivenSystem, receiver: Server) -> None:
    named.put(LOCAL, given_system(secret_keys=Fernet.generate_key().decode()), "app_a", "OTHER", "x")
    result = perform(system, {"url": receiver.url, "body": "{{secret.OTHER}}"})
    assert isinstance(result, Failed)
    assert isinstance(result.error, TransientFailure)
    assert "The secret OTHER cannot be opened" in result.error.message
    assert not result.error.was_called
    assert receiver.got == []


def test_a_header_that_a_secret_would_break_is_not_sent(system: GivenSystem, receiver: Server) -> None:
    named.put(LOCAL, system, "app_a", "LINES", "canary\r\nX-Evil: 1")
    result = perform(system, {"url": receiver.url, "headers": {"X-A": "{{secret.LINES}}"}})
    assert isinstance(result, Failed)
    assert "line break" in result.error.message
    assert "canary" not in result.error.message
    assert receiver.got == []


def test_a_filled_url_is_judged_as_any_other(system: GivenSystem, receiver: Server) -> None:
    strict = given_system(secret_keys=KEY, callback_networks_allowed="none")
    result = perform(strict, {"url": f"{receiver.url}&k={{{{secret.CANARY}}}}"})
    assert isinstance(result, Failed)
    assert "callbacks go only to public addresses" in result.error.message
    assert receiver.got == []


@pytest.mark.parametrize("value", ["@169.254.169.254/", "/../..//evil", "x#y?z", "\\@evil"])
def test_no_value_leads_elsewhere(system: GivenSystem, receiver: Server, value: str) -> None:
    named.put(LOCAL, system, "app_a", "PART", value)
    perform(system, {"url": receiver.url.replace("/x", "/{{secret.PART}}")})
    [(_, path, _, _)] = receiver.got
    assert path == f"/{quote(value, safe='')}?y=1"


def test_a_secret_is_sealed_where_it_is_stored_and_sealed_anew(system: GivenSystem) -> None:
    assert "nary" not in stored()
    new = Fernet.generate_key().decode()
    rotating.rotate(given_system(secret_keys=f"{new},{KEY}").settings)
    app_id = first_run(system).job.app_id
    assert named.opened(given_system(secret_keys=new), app_id, ["CANARY"]) == {"CANARY": CANARY}


def stored() -> str:
    """All that is in the database, as text."""
    with database.reading():
        return json.dumps([list(table.select().dicts()) for table in ALL], default=str, ensure_ascii=False)


def run(system: GivenSystem, request: Mapping[str, Any]) -> Run:
    """A run of this request, executed as workers do."""
    made = first_run(system, task_type="http", data=request)
    worker = workers.register(system)
    engine = Engine(system, worker)
    engine.start()
    stopping = threading.Event()
    with suppress(AttemptFailed):
        RunExecutor(system, engine, Leases(system, worker), brokers.RUNS_HTTP, stopping).execute_run(str(made.id))
    engine.stop()
    return made


def echoed(server: Server) -> None:
    """Make the receiver answer with what it receives."""
    spellings = [CANARY, json.dumps(CANARY), json.dumps(CANARY, ensure_ascii=False), quote(CANARY), quote(CANARY, "")]
    server.body = json.dumps({"args": spellings}).encode() + " ".join(spellings).encode() + CANARY.encode("latin-1")
    server.headers = {"Location": f"/{quote(CANARY, '')}", "Retry-After": quote(CANARY)}


REQUESTS: dict[str, dict[str, Any]] = {
    "path": {"url": "URL/{{secret.CANARY}}"},
    "query": {"url": "URL?k={{secret.CANARY}}"},
    "header": {"headers": {"Authorization": "Bearer {{secret.CANARY}}"}},
    "text": {"body": "a {{secret.CANARY}}"},
    "JSON": {"body": {"a": ["{{secret.CANARY}}"]}},
}


@pytest.mark.parametrize("status", [200, 302, 400, 503])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_secret_that_a_receiver_sends_back_is_seen_nowhere(
    system: GivenSystem, receiver: Server, request_: dict[str, Any], status: int
) -> None:
    echoed(receiver)
    receiver.status = status
    base = receiver.url.removesuffix("/x?y=1")
    url = str(request_.get("url", "URL")).replace("URL", base)
    told = overheard(system, lambda: run(system, {**request_, "url": url}))
    assert len(receiver.got) == 1
    [tried] = attempts_at(told.returned.id)
    assert "***" in (tried.answer or "")
    assert "execution_recorded" in told.log
    assert "carillon_attempt_duration_seconds_count" in told.metrics
    assert str(told.returned.id) in told.of_run
    seen = [stored(), *told.everything, *shown(system, told.returned)]
    assert [text for text in seen if "nary" in text] == []


def shown(system: GivenSystem, made: Run) -> list[str]:
    """What the API shows of a run and its job."""
    client = Client(served(system))
    job, run_ = f"/api/jobs/{made.job_id}", f"/api/runs/{made.id}"
    of_job = (job, *(f"{job}/{part}" for part in ("runs", "status", "executions", "why")))
    return [client.simulate_get(path).text for path in (*of_job, run_, "/api/apps/app_a", "/api/jobs")]


@pytest.mark.parametrize("fault", [ValueError, TransientFailure, OSError])
def test_a_secret_in_an_error_is_seen_nowhere(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def fail(url: str) -> Any:
        raise fault(f"{url} is odd, and so is {CANARY}")

    monkeypatch.setattr(exchange, "target_of", fail)
    with capture_logs() as logged:
        made = run(system, {"url": "http://127.0.0.1:9/?k={{secret.CANARY}}"})
    [tried] = attempts_at(made.id)
    assert tried.error_message
    seen = [stored(), repr(logged), *shown(system, made)]
    assert [text for text in seen if "nary" in text] == []


def test_a_refused_name_or_value_changes_nothing(system: GivenSystem) -> None:
    before = named.of_app(LOCAL, "app_a")
    for name, value in (("a-b", "x"), ("A", ""), ("A", "x" * (named.MAX_BYTES + 1))):
        with pytest.raises(InvalidInput):
            named.put(LOCAL, system, "app_a", name, value)
    assert named.of_app(LOCAL, "app_a") == before
