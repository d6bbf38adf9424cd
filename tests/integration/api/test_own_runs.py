"""Users follow, replay and cancel their own runs; those of others are as good as none."""

from __future__ import annotations

from typing import Any

import pytest

from services.execution import claiming, workers
from services.messaging.broker import RUNS_EMAIL
from tests.factories import GivenSystem, given_system, record, refused, runs_of
from tests.integration.api.bodies import TYPED
from tests.integration.api.client import NO_JOB, Client
from tests.integration.api.people import HIDDEN, SECRET, token_of

Headers = dict[str, str]


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(internal_secret=SECRET, admin_usernames="root")


@pytest.fixture
def anna(client: Client) -> Headers:
    return token_of(client, "anna")


@pytest.fixture
def berta(client: Client) -> Headers:
    return token_of(client, "berta")


def made(client: Client, who: Headers) -> str:
    """The id of the only run of a new job of theirs."""
    result = client.simulate_post("/api/jobs", json=TYPED, headers=who)
    assert result.status_code == 201, result.text
    return str(runs_of(result.json["id"])[0].id)


def listed(client: Client, who: Headers, path: str = "/api/runs", **parameters: str) -> list[Any]:
    result = client.simulate_get(path, headers=who, params=parameters)
    assert result.status_code == 200, result.text
    return [one["id"] for one in result.json["results"]]


def test_each_sees_their_own_runs_and_an_administrator_all(client: Client, anna: Headers, berta: Headers) -> None:
    hers, anothers = made(client, anna), made(client, berta)
    assert listed(client, anna) == [hers]
    assert listed(client, token_of(client, "root")) == listed(client, HIDDEN) == [anothers, hers]
    assert client.simulate_get("/api/runs", headers=berta).json["count"] == 1
    assert client.simulate_get(f"/api/runs/{hers}", headers=anna).json["attempts"] == []


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/replay"), ("POST", "/cancel")])
def test_the_run_of_another_is_answered_as_one_that_is_not_there(
    client: Client, anna: Headers, berta: Headers, method: str, path: str
) -> None:
    hers = made(client, anna)
    foreign = client.simulate_request(method, f"/api/runs/{hers}{path}", headers=berta)
    missing = client.simulate_request(method, f"/api/runs/{NO_JOB}{path}", headers=berta)
    assert foreign.status_code == missing.status_code == 404
    ids = {"instance", "request_id"}
    told = {name: str(value).replace(hers, NO_JOB) for name, value in foreign.json.items() if name not in ids}
    assert told == {name: str(value) for name, value in missing.json.items() if name not in ids}


def test_a_cursor_of_anothers_list_leads_to_ones_own_runs_alone(client: Client, anna: Headers, berta: Headers) -> None:
    first = made(client, anna)
    foreign = [made(client, berta) for _ in range(3)]
    page = client.simulate_get("/api/runs", headers=berta, params={"limit": "1"}).json
    assert [one["id"] for one in page["results"]] == [foreign[-1]]
    rest = client.simulate_get(page["next"], headers=anna).json
    assert [one["id"] for one in rest["results"]] == [first]


def test_a_user_replays_their_dead_runs_and_nobody_elses(
    client: Client, system: GivenSystem, anna: Headers, berta: Headers
) -> None:
    hers = made(client, anna)
    made(client, berta)
    for work in claiming.claim(system, workers.register(system), RUNS_EMAIL, 10):
        record(system, work, refused())
    outcome = client.simulate_post("/api/runs/replay", headers=anna, json={"all": True}).json
    assert (outcome["matched"], outcome["replayed"]) == (1, 1)
    repeated = client.simulate_get("/api/runs", headers=anna).json["results"][0]
    assert (repeated["trigger"], repeated["retry_of"]) == ("retry", hers)
    assert client.simulate_get("/api/runs", headers=berta).json["count"] == 1


def test_the_caller_is_told_who_they_are(client: Client, anna: Headers) -> None:
    me = client.simulate_get("/api/me", headers=anna).json
    assert (me["kind"], me["name"], me["is_administrator"], me["apps"]) == ("user", "anna", False, [])
    assert me["scopes"] == ["read", "operate", "jobs", "app"]
    assert client.simulate_get("/api/me", headers=HIDDEN).json["kind"] == "operator"
    assert client.simulate_get("/api/me").status_code == 401
