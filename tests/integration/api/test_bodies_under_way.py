"""What is held of requests whose end has not come is bounded, and nothing is received from who shows a wrong token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import bodies_under_way
from core.principals import LOCAL
from services.apps import apps
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import NO_JOB, Client, served
from tests.integration.api.parking import Answer, Headers, Parked, in_pieces
from tests.integration.api.people import SECRET, token_of
from tests.integration.api.reporting import deferred

LOGIN = "/api/login"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=SECRET)


def begun(client: Client, path: str, headers: Headers) -> Answer:
    """The answer to a request of which only the beginning ever comes."""

    async def pieces(number: int) -> dict[str, Any]:
        assert number == 0, "the rest was awaited"
        return {"type": "http.request", "body": b"{", "more_body": True}

    return in_pieces(client.app, "POST", path, {"Content-Type": "application/json", **headers}, pieces)


@pytest.mark.parametrize("kind", ["heartbeat", "log", "complete", "fail"])
def test_a_report_with_a_wrong_token_is_refused_before_it_is_received(client: Client, kind: str) -> None:
    refused = begun(client, f"/reports/{NO_JOB}/{kind}", {"X-Carillon-Report-Token": "wrong"})
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "X-Carillon-Report-Token")


def test_a_report_that_comes_in_pieces_is_taken(sqlite: str) -> None:
    local = given_system()
    apps.ensure(LOCAL, local, "app_a")
    client = Client(served(local))
    work = deferred(client, local)
    headers = {"Content-Type": "application/json", "X-Carillon-Report-Token": work.report_token}
    report = Parked("POST", f"/reports/{work.run_id}/complete", headers, b'{"result": {"a": 1}}')
    assert report.ended_after(client.app, int).status == 200


def test_a_caller_who_sends_too_much_at_once_is_told_to_wait_and_others_are_not(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies_under_way, "MAX_BYTES_OF_A_STRANGER", 100)
    body = json.dumps({"username": "anna", "password": "x" * 80}).encode()
    login = Parked("POST", LOGIN, {"Content-Type": "application/json"}, body)
    anna, answers = token_of(client, "anna"), []

    def meanwhile() -> None:
        answers.append(login.ended_after(client.app, lambda: None))
        answers.append(Parked("POST", "/api/views", {**login.headers, **anna}, b"{}").ended_after(client.app, int))

    assert login.ended_after(client.app, meanwhile).status == 400
    assert [one.status for one in answers] == [429, 400]
    assert answers[0].headers["retry-after"] == "1"
    assert login.ended_after(client.app, int).status == 400
