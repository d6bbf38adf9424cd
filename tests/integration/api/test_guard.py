"""Who may come in: the secret, the hosts, the pages of other sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from falcon.asgi import Request, Response
from falcon.routing import CompiledRouter

from api.app import App
from api.openapi import documented
from api.operations import Operation, Required, Routes, UndeclaredOperationError
from api.operations import operation as declared
from api.schemas.reports import Alive
from core.scopes import Scope
from tests.factories import given_system
from tests.integration.api.addresses import FOR_ANYONE_KNOWN, FOR_RECEIVERS, FOR_USERS, OPEN
from tests.integration.api.client import NO_JOB, PRINTED, Client, served
from tests.integration.api.people import HIDDEN, SECRET, token_of

NOT_METHODS = ("OPTIONS", "WEBSOCKET")  # WebSockets have tests of their own, in test_channels


class Undeclared:
    """A resource that somebody adds without a thought of who may ask."""

    async def on_get(self, _req: Request, _resp: Response) -> None:
        pass


class OfNoJob:
    """A resource about a job, which its path does not name."""

    @declared(access=Required.JOB, scope=Scope.READ)
    async def on_get(self, _req: Request, _resp: Response, **_parameters: Any) -> None:
        pass


class WithoutScope:
    """A resource for callers who are known by their scopes, none of which it asks for."""

    @declared(access=Required.ACCOUNT)
    async def on_get(self, _req: Request, _resp: Response) -> None:
        pass


class Mixed:
    """A resource that all may read and administrators change."""

    @declared(access=Required.NOTHING)
    async def on_get(self, _req: Request, _resp: Response) -> None:
        pass

    @declared(access=Required.ADMINISTRATION, scope=Scope.APP)
    async def on_post(self, _req: Request, _resp: Response) -> None:
        pass


@pytest.fixture
def app(sqlite: str) -> App:
    return served(given_system(internal_secret=SECRET, requests_per_minute=0))


def test_every_operation_requires_administration_but_those_of_the_routes_listed_here(app: App) -> None:
    templates = {template for template, _ in routes(app)}
    assert len(templates) > 50
    assert templates_that_require(app, Required.NOTHING) == OPEN
    assert templates_that_require(app, Required.RECEIVER) == FOR_RECEIVERS
    assert templates_that_require(app, Required.IDENTITY) == FOR_ANYONE_KNOWN
    assert templates_that_require(app, Required.ACCOUNT) == FOR_USERS
    assert templates_that_require(app, Required.JOB) == {one for one in templates if "{job_id:uuid}" in one}
    of_runs = {one for one in templates if one.startswith("/api/runs/{run_id:uuid}")}
    assert templates_that_require(app, Required.RUN) == of_runs


def test_a_get_and_its_head_require_the_same(app: App) -> None:
    gets = [template for template, method in operations(app) if method == "GET"]
    assert all(operation(app, one, "HEAD") == operation(app, one, "GET") for one in gets)


def test_an_operation_without_access_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="access"):
        documented("lookAtScratch", "scratch", {200: Alive})  # type: ignore[call-arg]  # that is the test


def test_a_route_with_an_operation_that_declares_nothing_cannot_be_added(app: App) -> None:
    with pytest.raises(UndeclaredOperationError, match="GET /api/scratch declares no access"):
        app.add_route("/api/scratch", Undeclared())
    assert Client(app).simulate_get("/api/scratch", headers=HIDDEN).status_code == 404


def test_a_route_without_a_scope_cannot_be_added(app: App) -> None:
    with pytest.raises(UndeclaredOperationError, match="GET /api/scratch declares no scope"):
        app.add_route("/api/scratch", WithoutScope())


def test_a_route_about_one_job_names_it(app: App) -> None:
    with pytest.raises(UndeclaredOperationError, match="about one JOB, but names none"):
        app.add_route("/api/scratch/{id:uuid}", OfNoJob())


def test_a_route_that_was_added_past_the_declarations_requires_administration(app: App) -> None:
    client = Client(app)
    CompiledRouter.add_route(router(app), "/api/scratch", Undeclared(), _asgi=True)
    assert client.simulate_get("/api/scratch").status_code == 401
    assert client.simulate_get("/api/scratch", headers=token_of(client, "anna")).status_code == 403
    assert client.simulate_get("/api/scratch", headers=HIDDEN).status_code == 200


def test_each_operation_of_a_route_requires_what_it_declares(app: App) -> None:
    app.add_route("/api/scratch", Mixed())
    client = Client(app)
    anna = token_of(client, "anna")
    assert client.simulate_get("/api/scratch").status_code == 200
    assert client.simulate_post("/api/scratch").status_code == 401
    assert client.simulate_post("/api/scratch", headers=anna).status_code == 403
    assert client.simulate_delete("/api/scratch").status_code == 405  # whoever may do something may be told what


def test_a_stranger_is_let_in_where_nothing_is_required_and_nowhere_else(app: App) -> None:
    client = Client(app)
    for template, method in operations(app):
        answer = client.simulate_request(method, path_of(template))
        guarded = answer.status_code == 401 and answer.headers["WWW-Authenticate"] != "X-Carillon-Report-Token"
        assert guarded == (template not in OPEN | FOR_RECEIVERS), (method, template, answer.status_code)


def test_a_user_is_let_in_where_an_account_is_required_and_finds_no_job_of_others(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(app)
    anna = token_of(client, "anna")
    for template, method in operations(app):
        if template in OPEN | FOR_RECEIVERS | FOR_USERS | FOR_ANYONE_KNOWN:
            continue
        status = client.simulate_request(method, path_of(template), headers=anna).status_code
        is_for_administrators = operation(app, template, method).access is Required.ADMINISTRATION
        is_about_one = any(one in template for one in ("{job_id:uuid}", "{run_id:uuid}", "{name}"))
        expected = 404 if is_about_one and not is_for_administrators else 403
        assert status == expected, (method, template)
    for path in FOR_USERS:  # 404: of limits of an app that is not there
        assert client.simulate_get(path_of(path), headers=anna).status_code in (200, 404, 405), path


def routes(app: App) -> Iterator[tuple[str, list[str]]]:
    yield from _below(app._router._roots)


def operations(app: App) -> Iterator[tuple[str, str]]:
    return ((template, method) for template, methods in routes(app) for method in methods if method not in NOT_METHODS)


def router(app: App) -> Routes:
    found = app._router
    assert isinstance(found, Routes)
    return found


def operation(app: App, template: str, method: str) -> Operation:
    return router(app).operation(template, method)


def templates_that_require(app: App, access: Required) -> set[str]:
    return {template for template, method in operations(app) if operation(app, template, method).access is access}


def path_of(template: str) -> str:
    filled = re.sub(r"\{\w+:uuid\}", NO_JOB, re.sub(r"\{\w+:int\}", "1", template)).replace("{file}", "start.js")
    return filled.replace("{name}", "x").replace("{name:path}", "x").replace("{key:path}", "app:x")


def _below(nodes: Any) -> Iterator[tuple[str, list[str]]]:
    for node in nodes:
        if node.resource is not None:
            yield node.uri_template, list(node.method_map)
        yield from _below(node.children)


@pytest.mark.parametrize("given", [None, "", "wrong", SECRET + "x", SECRET[:-1], "ü"])
def test_a_wrong_secret_is_refused(sqlite: str, given: str | None) -> None:
    client = Client(served(given_system(internal_secret=SECRET)))
    headers = {} if given is None else {"X-Internal-Secret": given}
    for path in ("/api/jobs", "/api/jobs/", "/api/nowhere", "/nowhere"):
        assert client.simulate_get(path, headers=headers).status_code == 401


def test_the_right_secret_opens(sqlite: str) -> None:
    client = Client(served(given_system(internal_secret=SECRET)), headers={"X-Internal-Secret": SECRET})
    assert client.simulate_get("/api/jobs", host="carillon.example.com").status_code == 200
    assert client.simulate_post("/api/jobs/create", json=PRINTED).status_code == 404  # no app on first use


@pytest.mark.parametrize(
    "host",
    ["evil.example.com", "localhost.evil.example.com", "127.0.0.1.evil.example.com", "10.0.0.1", "evil@127.0.0.1"],
)
def test_without_a_secret_other_hosts_are_refused(client: Client, host: str) -> None:
    for path in ("/", "/api/jobs", "/healthz"):
        assert client.simulate_get(path, host=host).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_without_a_secret_loopback_hosts_are_served(client: Client, host: str) -> None:
    assert client.simulate_get("/api/jobs", host=host).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1"}, 201),
    ],
)
def test_pages_of_other_sites_change_nothing(client: Client, headers: dict[str, str], status: int) -> None:
    result = client.simulate_post("/api/jobs/create", json=PRINTED, headers=headers)
    assert result.status_code == status


@pytest.mark.parametrize(("given", "kept"), [("abc-123", True), ("x" * 101, False), ("a b", False), ("\x7f", False)])
def test_a_sane_request_id_is_kept(client: Client, given: str, *, kept: bool) -> None:
    result = client.simulate_get("/healthz", headers={"X-Request-Id": given})
    assert (result.headers["X-Request-Id"] == given) is kept
    assert result.headers["X-Request-Id"]
