"""Access tokens: fetched by client credentials of the secret store, once for all calls, and never seen again."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.fernet import Fernet

from actors.calls import access_tokens
from actors.calls.access_tokens import MAX_FETCHED, SPARE_SECONDS, _Tokens
from actors.handlers.call import perform_call
from core.errors import Aborted, AbortReason, InvalidInput, PermanentFailure, TransientFailure
from core.principals import LOCAL
from services.apps import apps
from services.apps.app_views import TaskTypePolicy
from services.execution.work import Failed, Result, Succeeded
from services.jobs import creating
from services.runtime.abort_scope import AbortScope
from services.secrets import named
from tests.factories import GivenSystem, claim_one, given_system, new_job
from tests.integration.execution.answering import Server, answering

CANARY, TOKEN = "canary/+&", "token-canary"


@pytest.fixture(autouse=True)
def no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "_tokens", _Tokens())


@pytest.fixture
def issuer() -> Iterator[Server]:
    with answering() as serving:
        serving.body = json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 600}).encode()
        yield serving


@pytest.fixture
def target() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def both(issuer: Server, target: Server) -> tuple[Server, Server]:
    return issuer, target


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    system = given_system(secret_keys=Fernet.generate_key().decode())
    apps.put(LOCAL, system, "app_a", None, {})
    named.put(LOCAL, system, "app_a", "CLIENT", CANARY)
    return system


def request(issuer: Server, target: Server, **more: Any) -> dict[str, Any]:
    oauth2 = {"token_url": issuer.url, "client_id": "carillon", "client_secret": "{{secret.CLIENT}}", **more}
    return {"url": target.url, "oauth2": oauth2}


def perform(system: GivenSystem, data: dict[str, Any]) -> Result:
    creating.create(LOCAL, system, new_job(task_type="http", data=data))
    return perform_call(system, claim_one(system), AbortScope())


def test_a_token_is_fetched_by_client_credentials_and_sent_as_a_bearer(
    system: GivenSystem, issuer: Server, target: Server
) -> None:
    assert isinstance(perform(system, request(issuer, target, scope="jobs:run", audience="a")), Succeeded)
    [(method, _, headers, body)] = issuer.got
    assert (method, headers["content-type"]) == ("POST", "application/x-www-form-urlencoded")
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"carillon:canary%2F%2B%26"
    assert parse_qs(body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["jobs:run"],
        "audience": ["a"],
    }
    assert target.got[0][2]["authorization"] == f"Bearer {TOKEN}"


def test_credentials_go_in_the_body_where_the_endpoint_wants_them_there(
    system: GivenSystem, issuer: Server, target: Server
) -> None:
    perform(system, request(issuer, target, credentials="body"))
    [(_, _, headers, body)] = issuer.got
    assert "authorization" not in headers
    assert parse_qs(body.decode())["client_secret"] == [CANARY]


def test_a_token_is_used_until_it_is_about_to_end(system: GivenSystem, issuer: Server, target: Server) -> None:
    for seconds in (0, 600 - SPARE_SECONDS - 1, 1):
        system.clock.advance(seconds)
        perform(system, request(issuer, target))
    assert (len(issuer.got), len(target.got)) == (2, 3)


def test_a_token_is_used_for_some_seconds_however_soon_it_ends(
    system: GivenSystem, issuer: Server, target: Server
) -> None:
    issuer.body = json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 0.1}).encode()
    for seconds in (0, 1, 8, 1):
        system.clock.advance(seconds)
        perform(system, request(issuer, target))
    assert (len(issuer.got), len(target.got)) == (2, 4)


def test_an_app_fetches_no_more_tokens_in_a_minute_whatever_its_requests_name(
    system: GivenSystem, issuer: Server, target: Server
) -> None:
    results = [perform(system, request(issuer, target, client_id=f"c{number}")) for number in range(MAX_FETCHED + 1)]
    assert (len(issuer.got), len(target.got)) == (MAX_FETCHED, MAX_FETCHED)
    assert isinstance(last := results[-1], Failed)
    assert isinstance(last.error, TransientFailure)
    assert 0 < (last.error.retry_after_seconds or 0) <= 60
    system.clock.advance(60)
    assert isinstance(perform(system, request(issuer, target, client_id="another")), Succeeded)


def test_a_token_is_of_one_app_endpoint_client_and_scope(system: GivenSystem, issuer: Server, target: Server) -> None:
    for changed in ({}, {"scope": "a"}, {"scope": "b"}, {"client_id": "other"}, {"credentials": "body"}, {}):
        perform(system, request(issuer, target, **changed))
    assert len(issuer.got) == 5
    apps.put(LOCAL, system, "app_b", None, {})
    named.put(LOCAL, system, "app_b", "CLIENT", CANARY)
    creating.create(LOCAL, system, new_job(app_name="app_b", task_type="http", data=request(issuer, target)))
    perform_call(system, claim_one(system), AbortScope())
    assert len(issuer.got) == 6


def test_many_calls_at_once_fetch_one_token(system: GivenSystem, issuer: Server, target: Server) -> None:
    job_ids = [creating.create(LOCAL, system, new_job(task_type="http", data=request(issuer, target))) for _ in "abcd"]
    works = [claim_one(system) for _ in job_ids]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda one: perform_call(system, one, AbortScope()), works))
    assert all(isinstance(one, Succeeded) for one in results)
    assert (len(issuer.got), len(target.got)) == (1, 4)


def test_a_token_that_a_receiver_refuses_later_is_fetched_anew(
    system: GivenSystem, issuer: Server, target: Server
) -> None:
    perform(system, request(issuer, target))
    target.status = 401
    assert isinstance(refused := perform(system, request(issuer, target)), Failed)
    assert isinstance(refused.error, TransientFailure)
    fresh = perform(system, request(issuer, target))
    assert isinstance(fresh, Failed)
    assert isinstance(fresh.error, PermanentFailure), "a new one that is refused will not be accepted later"
    assert len(issuer.got) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ((401, b'{"error": "invalid_client"}'), PermanentFailure, "answered 401 (invalid_client)"),
        ((400, b'{"error": "<canary>"}'), PermanentFailure, "answered 400."),
        ((503, b""), TransientFailure, "answered 503"),
        ((200, b"[]"), PermanentFailure, "no JSON object"),
        ((200, b'{"access_token": ""}'), PermanentFailure, "no JSON object"),
        ((200, b'{"access_token": "a\\r\\nX: y"}'), PermanentFailure, "no bearer token"),
        ((200, b'{"access_token": "a", "token_type": "mac"}'), PermanentFailure, "no bearer token"),
    ],
)
def test_without_a_token_nothing_is_sent_and_the_answer_says_why(
    system: GivenSystem, both: tuple[Server, Server], answer: tuple[int, bytes], kind: type, told: str
) -> None:
    issuer, target = both
    issuer.status, issuer.body = answer
    result = perform(system, request(issuer, target))
    assert isinstance(result, Failed)
    assert isinstance(result.error, kind)
    assert told in str(result.error)
    assert not result.error.was_called
    assert "canary" not in str(result.error)
    assert not target.got


def test_neither_token_nor_secret_is_in_what_comes_back(system: GivenSystem, issuer: Server, target: Server) -> None:
    target.body = json.dumps({"got": [TOKEN, CANARY]}).encode()
    result = perform(system, request(issuer, target))
    assert isinstance(result, Succeeded)
    assert "canary" not in repr(result)


def test_the_endpoint_is_judged_as_every_address_is(system: GivenSystem, target: Server) -> None:
    for url in ("http://169.254.169.254/token", "http://10.0.0.1/token", "http://[fd00::1]/token"):
        oauth2 = {"token_url": url, "client_id": "a", "client_secret": "{{secret.CLIENT}}"}
        result = perform(system, {"url": target.url, "oauth2": oauth2})
        assert isinstance(result, Failed)
        assert isinstance(result.error, PermanentFailure)
    assert not target.got


def test_who_waits_for_a_token_that_another_fetches_can_be_stopped() -> None:
    tokens, scope, begun = _Tokens(), AbortScope(), threading.Event()

    def wait() -> None:
        begun.set()
        with tokens.fetching("key", scope):
            raise AssertionError("the other has it")

    with tokens.fetching("key", AbortScope()), ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait)
        begun.wait()
        scope.abort(AbortReason.CANCELLED)
        with pytest.raises(Aborted):
            waiting.result()
    assert not tokens._being_fetched


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"oauth2": {"client_secret": "plain"}}, "data.oauth2.client_secret"),
        ({"oauth2": {"client_secret": "Bearer {{secret.CLIENT}}"}}, "data.oauth2.client_secret"),
        ({"oauth2": {"token_url": "ftp://a.example/"}}, "data.oauth2.token_url"),
        ({"oauth2": {"token_url": "https://{{secret.CLIENT}}.example/"}}, "data.oauth2.token_url"),
        ({"oauth2": {"grant_type": "password"}}, "data.oauth2.grant_type"),
        ({"headers": {"authorization": "Bearer {{secret.CLIENT}}"}}, "data"),
        ({"client_certificate": "{{secret.CLIENT}}"}, "data"),
        ({"client_certificate": "CLIENT"}, "data.client_certificate"),
    ],
)
def test_a_wrong_request_is_refused_when_the_job_is_made(
    system: GivenSystem, changed: dict[str, Any], field: str
) -> None:
    right = {"token_url": "https://a.example/", "client_id": "a", "client_secret": "{{secret.CLIENT}}"}
    data: dict[str, Any] = {"url": "http://b.example/", **changed, "oauth2": {**right, **changed.get("oauth2", {})}}
    with pytest.raises(InvalidInput) as refused:
        creating.create(LOCAL, system, new_job(task_type="http", data=data))
    assert [one.field for one in refused.value.fields] == [field]
    assert "plain" not in str(refused.value)


def test_a_certificate_is_taken_from_the_secret_store(system: GivenSystem) -> None:
    named.put(LOCAL, system, "app_a", "PEM", "anything")
    result = perform(system, {"url": "https://127.0.0.1:9/", "client_certificate": "{{secret.PEM}}"})
    assert isinstance(result, Failed)
    assert "client_certificate is no certificate" in str(result.error)


def test_a_request_of_the_apps_table_gets_a_token_too(system: GivenSystem, issuer: Server, target: Server) -> None:
    policy = TaskTypePolicy(request=request(issuer, target))
    apps.put(LOCAL, system, "app_a", None, {"mapped": policy})
    creating.create(LOCAL, system, new_job(task_type="mapped"))
    assert isinstance(perform_call(system, claim_one(system), AbortScope()), Succeeded)
    assert target.got[0][2]["authorization"] == f"Bearer {TOKEN}"
