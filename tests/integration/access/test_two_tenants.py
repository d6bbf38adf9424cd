"""Whatever the document allows is asked by one tenant about another's things: no fault, and nothing of the other's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle, product
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.schemas import APIOperation

from core.scopes import Role, Scope
from tests.factories import GivenSystem, given_system
from tests.integration.access.foreign import Foreign
from tests.integration.access.tenants import MINE, SETTINGS, Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import Client, served
from tests.integration.api.listening import ENDLESS
from tests.integration.api.people import token_of
from tests.lengths import OF_OTHERS

LEFT_OUT = ENDLESS | {"logOut", "logOutByPage"}  # they end the token that the next request shows
LEAST = 100  # operations
FORM = "application/x-www-form-urlencoded"


class Mine:
    """The tenant who asks: an app with a job, and three who may do all, or look, in it."""

    def __init__(self, client: Client) -> None:
        owner = token_of(client, "anna")
        made_app(client, owner, MINE)
        self.callers: dict[str, Headers] = {
            "key": made_key(client, owner, MINE, *Scope),
            "owner": owner,
            "viewer": joined(client, owner, MINE, "clara", Role.VIEWER),
        }
        self.values = {"job_id": made_job(client, owner, MINE), "name": MINE, "app_name": MINE, "app": MINE}


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


def operations(client: Client) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    """Each operation of the document."""
    document = client.simulate_get("/openapi.json").json
    described = schemathesis.openapi.from_dict(document)
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            if one["operationId"] not in LEFT_OUT:
                yield described[path][method]


def test_nothing_of_another_tenant_comes_out_or_changes_whatever_is_asked(system: GivenSystem) -> None:
    client = Client(served(system))
    foreign = Foreign(client, system)
    mine = Mine(client)
    theirs = foreign.values()
    combinations = cycle(product((theirs, theirs | mine.values), mine.callers.items()))
    asked = 0
    for one in operations(client):
        for case, (values, (caller, headers)) in zip(cases(one), combinations, strict=False):
            planted = Planted(case, values)
            answer = planted.ask(client, headers)
            told = (one.label, caller, planted.text, answer.status_code, answer.text[:500])
            assert answer.status_code < 500, told
            assert not foreign.told_by(answer, planted.text), told
            asked += 1
    assert asked >= LEAST * OF_OTHERS
    assert {client.simulate_get("/api/me", headers=one).status_code for one in mine.callers.values()} == {200}
    foreign.expect_untouched()


def test_the_other_tenant_would_be_noticed(system: GivenSystem) -> None:
    """What the test above looks for is there to be found: their owner gets it at many places."""
    client = Client(served(system))
    foreign = Foreign(client, system)
    theirs, seen = foreign.values(), set()
    for path in ("/api/jobs", "/api/runs", "/api/apps", "/api/audit", "/api/limits", "/api/failures", "/api/views"):
        seen |= foreign.told_by(client.simulate_get(path, headers=foreign.owner), path)
    for path in (f"/api/jobs/{theirs['job_id']}", f"/api/runs/{theirs['run_id']}"):
        seen |= foreign.told_by(client.simulate_get(path, headers=foreign.owner), "")
    assert len(seen) > 20, seen


class Planted:
    """A request that was made up, with these values wherever it names such a thing."""

    def __init__(self, case: Case[Any], values: dict[str, str]) -> None:
        self._method = str(case.method)
        parameters = {name: values.get(name, value) for name, value in case.path_parameters.items()}
        template = case.operation.path
        for name, value in parameters.items():
            template = template.replace(f"{{{name}}}", quote(str(value), safe=""))
        wanted = {one.name for one in case.operation.query} & values.keys()
        query = {**case.query, **{name: values[name] for name in wanted}}
        self._path = f"{template}?{urlencode(query, doseq=True)}" if query else template
        self._headers = (
            {"Idempotency-Key": values["Idempotency-Key"]} if "Idempotency-Key" in case.operation.headers else {}
        )
        self._media = case.media_type
        self._body = None if case.media_type is None else planted(case.body, values)
        self.text = f"{self._path} {self._headers} {json.dumps(self._body, ensure_ascii=False, default=str)}"

    def ask(self, client: Client, who: Headers) -> Any:
        """The answer to this caller."""
        content: dict[str, Any] = {}
        if self._media == FORM:
            content = {"body": urlencode(self._body or {}, doseq=True)}
        elif self._media is not None:
            content = {"body": json.dumps(self._body, default=str).encode()}
        media = {} if self._media is None else {"Content-Type": self._media}
        return client.simulate_request(self._method, self._path, headers={**who, **self._headers, **media}, **content)


def planted(body: Any, values: dict[str, str]) -> Any:
    """A body with these values for its members of these names; lists of ids get the id."""
    if isinstance(body, list):
        return [planted(one, values) for one in body]
    if not isinstance(body, dict):
        return body
    changed = {name: values.get(name, planted(value, values)) for name, value in body.items()}
    return {**changed, "ids": [values["job_id"]]} if "ids" in changed else changed


def cases(one: APIOperation[Any, Any, Any, Any]) -> list[Case[Any]]:
    """A few requests as the document allows them."""
    made: list[Case[Any]] = []

    @given(case=one.as_strategy())
    @settings(
        max_examples=OF_OTHERS,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def collect(case: Case[Any]) -> None:
        made.append(case)

    collect()
    return made
