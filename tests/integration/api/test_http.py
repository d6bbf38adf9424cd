"""What HTTP promises of every path: HEAD where GET is, targets in absolute form, health without a Host header."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import falcon.testing
import pytest

from api.app import App
from api.sites import HEALTH_PATHS
from tests.factories import GivenSystem
from tests.integration.api.client import Client, served


def nodes(of: list[Any]) -> Iterator[Any]:
    for node in of:
        yield node
        yield from nodes(node.children)


def test_head_is_routed_wherever_get_is(system: GivenSystem) -> None:
    maps = [node.method_map for node in nodes(served(system)._router._roots) if node.resource is not None]
    with_get = [one for one in maps if one["GET"].__name__ == "on_get" or hasattr(one["GET"], "__wrapped__")]
    assert len(with_get) > 30
    assert all(one["HEAD"].__name__ == "on_head" for one in with_get)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/readyz",
        "/api/jobs",
        "/api/jobs/",
        "/api/jobs?limit=0",
        "/api/jobs/create",
        "/api/jobs/not-an-id",
        "/api/runs",
        "/jobs/api/jobs/",
        "/openapi.json",
        "/swagger/",
        "/swagger/swagger_style.css",
        "/nowhere",
    ],
)
def test_head_answers_as_get_without_the_body(client: Client, path: str) -> None:
    got, head = client.simulate_get(path), client.simulate_head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["Content-Length"] == str(len(got.content))
    own = ("X-Request-Id", "x-request-id")
    assert {name: text for name, text in head.headers.items() if name not in own} == {
        name: text for name, text in got.headers.items() if name not in own
    }


def test_head_of_a_job_has_its_etag(client: Client) -> None:
    path = f"/api/jobs/{client.create()}"
    assert client.simulate_head(path).headers["ETag"] == client.simulate_get(path).headers["ETag"]


@pytest.mark.parametrize(
    ("path", "taken"),
    [("/healthz", {"GET", "HEAD"}), ("/api/jobs", {"GET", "HEAD", "POST"}), ("/api/jobs/create", {"POST"})],
)
def test_other_methods_are_told_which_are_taken(client: Client, path: str, taken: set[str]) -> None:
    refused = client.simulate_delete(path)
    assert refused.status_code == 405
    assert set(refused.headers["Allow"].split(", ")) == {*taken, "OPTIONS"}
    assert set(client.simulate_options(path).headers["Allow"].split(", ")) - {"OPTIONS"} == taken


@pytest.mark.parametrize("path", [*HEALTH_PATHS, "/healthz/"])
def test_health_is_told_to_a_checker_that_names_no_host(client: Client, path: str) -> None:
    assert client.simulate_get(path, http_version="1.0").status_code == 200


def test_a_host_that_is_named_is_looked_at_and_elsewhere_one_must_be(client: Client) -> None:
    assert client.simulate_get("/healthz", host="checker.example.com").status_code == 421
    assert client.simulate_get("/api/jobs", http_version="1.0").status_code == 421


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://127.0.0.1:8000/healthz", 200),
        ("HTTP://localhost/api/jobs", 200),
        ("http://127.0.0.1:8000/api/nowhere%20at%20all", 404),
        ("http://127.0.0.1", 200),
        ("http://checker.example.com/api/jobs", 421),
        ("/http://127.0.0.1/api/jobs", 404),
    ],
)
def test_a_target_in_absolute_form_means_its_path_and_its_host(system: GivenSystem, target: str, status: int) -> None:
    assert asyncio.run(status_of(served(system), target)) == status


async def status_of(app: App, target: str) -> Any:
    """The status that the app answers to this very request target."""
    scope = falcon.testing.create_scope(host="127.0.0.1")
    scope |= {"path": unquote(target), "raw_path": target.encode()}
    answer = falcon.testing.ASGIResponseEventCollector()
    await app(scope, falcon.testing.ASGIRequestEventEmitter(), answer)
    return answer.status
