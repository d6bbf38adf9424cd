"""Large bodies are parsed in threads, whichever operation takes them, and what is open to all takes none of them."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import falcon
import pytest

from api import openapi
from api.bodies import MAX_BYTES_OPEN_TO_ALL, QUICK_BYTES
from api.openapi import Description
from api.operations import Required
from core import json_text
from core.scopes import Scope
from services.execution.work import Deferred
from services.jobs import accepting
from services.task_types import registry
from tests.factories import GivenSystem, claim_one, given_system, record
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers, made_app, made_job, made_key
from tests.integration.api.client import PRINTED, Client
from tests.integration.api.parking import in_pieces
from tests.integration.api.people import token_of

JSON = {"Content-Type": falcon.MEDIA_JSON}
FORM = {"Content-Type": falcon.MEDIA_URLENCODED}
LARGE = json.dumps({"some_key": "x" * QUICK_BYTES}).encode()
TEMPLATE = {"url": "https://example.com", "body": "Dear {{data.name}}"}
MIN_OPEN, MIN_WITH_A_BODY = 8, 40  # operations


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS, commands_allowed="true")


def is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def all_operations(client: Client) -> Iterator[tuple[str, str, Description]]:
    """Method, path and description of each operation of the document."""
    described = {one.operation_id: one for one in openapi.described}
    for path, methods in client.simulate_get("/openapi.json").json["paths"].items():
        for method, one in methods.items():
            yield method.upper(), path, described[one["operationId"]]


@pytest.mark.parametrize("media", [JSON, FORM])
def test_what_is_open_to_all_takes_16_kib_at_most(client: Client, media: Headers) -> None:
    body = b"a=" + b"x" * MAX_BYTES_OPEN_TO_ALL

    async def pieces(number: int) -> dict[str, Any]:
        half = len(body) // 2
        return {"type": "http.request", "body": body[:half] if number == 0 else body[half:], "more_body": number == 0}

    refused = 0
    for method, path, one in all_operations(client):
        if one.access is not Required.NOTHING:
            continue
        answers = [client.simulate_request(method, path, headers=media, body=body)]
        if one.body is not None:
            answers.append(in_pieces(client.app, method, path, media, pieces))
            refused += 1
        for answer in answers:
            told = (answer.json["status"], answer.json["detail"])
            assert told == (413, "The body is larger than 16384 bytes. Send a smaller one."), path
    assert refused >= MIN_OPEN


class Parses:
    """Notes of each large JSON text whether it was parsed on the event loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on_loop: list[bool] = []
        monkeypatch.setattr(json_text, "parse", self._noted(json_text.parse))
        monkeypatch.setattr(json, "loads", self._noted(json.loads))

    def _noted(self, parse: Callable[..., Any]) -> Callable[..., Any]:
        def noted(text: Any, **options: Any) -> Any:
            if len(text) >= len(LARGE):
                self.on_loop.append(is_on_event_loop())
            return parse(text, **options)

        return noted


def test_no_operation_parses_a_large_body_on_the_event_loop(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, values = all_there_is(client, system)
    parses = Parses(monkeypatch)
    operations = [one for one in all_operations(client) if one[2].body is not None]
    for method, path, one in operations:
        parses.on_loop.clear()
        filled = functools.reduce(lambda so_far, name: so_far.replace(f"{{{name}}}", values[name]), values, path)
        answer = client.simulate_request(method, filled, headers={**JSON, **headers}, body=LARGE)
        told = (one.operation_id, answer.status_code, answer.text[:300])
        assert answer.status_code < 500, told
        assert parses.on_loop, told
        assert not any(parses.on_loop), told
    assert len(operations) >= MIN_WITH_A_BODY


def all_there_is(client: Client, system: GivenSystem) -> tuple[Headers, dict[str, str]]:
    """An administrator who may do all, also report on a run, and what paths may name."""
    root = token_of(client, "root")
    made_app(client, root, MINE)
    job_id = made_job(client, root, MINE, schedule={"type": "immediate"})
    work = claim_one(system)
    record(system, work, Deferred())
    names = {"name": MINE, "username": "root", "key": f"app:{MINE}", "secret_name": "TOKEN", "version": "1"}
    ids = {"job_id": job_id, "run_id": str(work.run_id)}
    return {**root, "X-Carillon-Report-Token": work.report_token}, names | ids


@pytest.fixture
def validated_on_loop(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each job was validated on the event loop."""
    noted: list[bool] = []
    validated = accepting.validated

    def note(*given: Any) -> Any:
        noted.append(is_on_event_loop())
        return validated(*given)

    monkeypatch.setattr(accepting, "validated", note)
    return noted


@pytest.mark.parametrize(
    ("job", "on_loop"),
    [
        ({}, True),
        ({"data": {"some_key": "x" * QUICK_BYTES}}, False),
        ({"task_type": "http", "schedule": {"type": "immediate"}, "data": TEMPLATE}, False),
        ({"task_type": "run_command", "schedule": {"type": "immediate"}, "data": {"command": "true"}}, False),
    ],
)
def test_a_new_job_is_looked_at_on_the_event_loop_only_if_that_is_quick(
    client: Client, validated_on_loop: list[bool], job: dict[str, Any], on_loop: bool
) -> None:
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    made = client.simulate_post("/api/jobs/create", headers=anna, json={**PRINTED, "app_name": MINE, **job})
    assert (made.status_code, validated_on_loop) == (201, [on_loop])


@pytest.mark.parametrize("path", ["/api/jobs/create", "/api/jobs", "/api/jobs/bulk"])
@pytest.mark.parametrize("keyed", [{}, {"Idempotency-Key": "once"}])
def test_who_may_make_no_job_there_has_none_of_their_data_looked_at(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, keyed: Headers
) -> None:
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    made_app(client, anna, MINE)
    made_app(client, berta, THEIRS)
    key = made_key(client, anna, MINE, *Scope)
    looked_at: list[Any] = []
    monkeypatch.setattr(registry, "validate", lambda *given: looked_at.append(given))
    data = {"task_type": "http", "schedule": {"type": "immediate"}, "data": TEMPLATE}
    for app, count in ((THEIRS, 0), (MINE, 1)):
        job = {**PRINTED, "app_name": app, **data}
        body = {"jobs": [job]} if path.endswith("bulk") else job
        answer = client.simulate_post(path, headers={**key, **keyed}, json=body)
        assert (answer.status_code < 300, len(looked_at)) == (bool(count), count), answer.text
