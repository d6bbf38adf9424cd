"""Who may come in: the secret, the hosts, the pages of other sites."""

from __future__ import annotations

import re
from typing import Any

import pytest

from api import access
from tests.factories import given_system
from tests.integration.api.client import NO_JOB, PRINTED, Client, served

SECRET = "a secret of this test's own"  # noqa: S105


def test_every_route_is_guarded_but_those_listed_here(sqlite: str) -> None:
    app = served(given_system(internal_secret=SECRET, requests_per_minute=0))
    client = Client(app)
    open_templates = {"/", "/healthz", "/readyz", "/openapi.json", "/swagger", "/swagger/{file}"}
    open_templates |= {f"/reports/{{run_id:uuid}}/{kind}" for kind in ("heartbeat", "complete", "fail")}
    open_templates |= {"/register", "/login", "/logout", "/api/register", "/api/login"}
    open_templates |= {"/files/{name:path}", "/internal/spool/{upload_id:uuid}"}  # these show a proof of their own
    templates = list(_templates(app._router._roots))
    assert len(templates) > 15
    for template, methods in templates:
        path = (
            re.sub(r"\{\w+:uuid\}", NO_JOB, template)
            .replace("{name}", "x")
            .replace("{name:path}", "x")
            .replace("{file}", "start.js")
        )
        for method in methods:
            if method == "WEBSOCKET":
                continue
            answer = client.simulate_request(method, path)
            status = answer.status_code
            guarded = status == 401 and answer.headers["WWW-Authenticate"] != "X-Carillon-Report-Token"
            assert guarded == (template not in open_templates), (method, path, status)
            assert access.is_open(path) == (template in open_templates)


def _templates(nodes: Any) -> Any:
    for node in nodes:
        if node.resource is not None:
            yield node.uri_template, list(node.method_map)
        yield from _templates(node.children)


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
