"""Who may come in: the secret, the hosts, the pages of other sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api import access
from api.access import Required
from api.app import App
from tests.factories import given_system
from tests.integration.api.client import NO_JOB, PRINTED, Client, served
from tests.integration.api.test_accounts import SECRET, token_of

OPEN = {"/", "/healthz", "/readyz", "/openapi.json", "/swagger", "/swagger/{file}"}
OPEN |= {f"/reports/{{run_id:uuid}}/{kind}" for kind in ("heartbeat", "complete", "fail")}
OPEN |= {"/register", "/login", "/logout", "/api/register", "/api/login"}
OPEN |= {"/files/{name:path}", "/internal/spool/{upload_id:uuid}"}  # these show a proof of their own
FOR_USERS = {"/api/jobs", "/api/jobs/send-email", "/api/jobs/stats", "/api/jobs/types", "/api/jobs/upload-file"}
FOR_USERS |= {"/api/logout", "/api/schedules/preview", "/api/tasks"}
FOR_USERS |= {"/jobs/api/jobs", "/jobs/api/jobs/stats", "/scheduler/jobs"}
NOT_METHODS = ("OPTIONS", "WEBSOCKET")  # WebSockets have tests of their own, in test_channels


@pytest.fixture
def app(sqlite: str) -> App:
    return served(given_system(internal_secret=SECRET, requests_per_minute=0))


def test_every_route_requires_administration_but_those_listed_here(app: App) -> None:
    templates = {template for template, _ in routes(app)}
    assert len(templates) > 50
    assert {one for one in templates if access.required(one) is Required.NOTHING} == OPEN
    assert {one for one in templates if access.required(one) is Required.ACCOUNT} == FOR_USERS
    owned = {one for one in templates if access.required(one) is Required.OWNERSHIP}
    assert owned == {one for one in templates if "{job_id:uuid}" in one}


def test_nothing_is_listed_that_is_no_route(app: App) -> None:
    templates = {template for template, _ in routes(app)}
    assert templates >= access.OPEN_PATHS | access.USER_PATHS
    assert all(any(one.startswith(prefix) for one in templates) for prefix in access.OPEN_PREFIXES)


def test_a_stranger_is_let_in_where_nothing_is_required_and_nowhere_else(app: App) -> None:
    client = Client(app)
    for template, method in operations(app):
        answer = client.simulate_request(method, path_of(template))
        guarded = answer.status_code == 401 and answer.headers["WWW-Authenticate"] != "X-Carillon-Report-Token"
        assert guarded == (template not in OPEN), (method, template, answer.status_code)


def test_a_user_is_let_in_where_an_account_is_required_and_finds_no_job_of_others(app: App) -> None:
    client = Client(app)
    anna = token_of(client, "anna")
    for template, method in operations(app):
        if template in OPEN | FOR_USERS:
            continue
        status = client.simulate_request(method, path_of(template), headers=anna).status_code
        expected = 404 if access.required(template) is Required.OWNERSHIP else 403
        assert status == expected, (method, template)
    assert all(client.simulate_get(path, headers=anna).status_code in (200, 405) for path in FOR_USERS)


def routes(app: App) -> Iterator[tuple[str, list[str]]]:
    yield from _below(app._router._roots)


def operations(app: App) -> Iterator[tuple[str, str]]:
    return ((template, method) for template, methods in routes(app) for method in methods if method not in NOT_METHODS)


def path_of(template: str) -> str:
    filled = re.sub(r"\{\w+:uuid\}", NO_JOB, template).replace("{file}", "start.js")
    return filled.replace("{name}", "x").replace("{name:path}", "x")


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
