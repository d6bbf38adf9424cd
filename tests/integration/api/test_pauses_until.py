"""`until` of a pause, as callers give it and get it back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import GivenSystem, first_run, given_system
from tests.integration.api.client import Client, refusal

GIVEN, SHOWN = "2026-11-20T14:00:00+01:00", "2026-11-20T13:00:00Z"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


@pytest.fixture(params=["jobs/{job}", "apps/app_a", "installation"])
def path(request: pytest.FixtureRequest, system: GivenSystem) -> str:
    template: str = request.param
    return "/api/" + template.replace("{job}", str(first_run(system).job_id))


def paused(client: Client, path: str, **given: str) -> Any:
    return client.simulate_post(f"{path}/pause", params=given)


def test_it_is_shown_until_it_is_resumed_or_paused_anew(client: Client, path: str) -> None:
    assert client.simulate_get(path).json["paused_until"] is None
    assert paused(client, path, until=GIVEN, reason="It moves").json["paused_until"] == SHOWN
    assert client.simulate_get(path).json["paused_until"] == SHOWN
    assert paused(client, path).json["paused_until"] is None
    assert paused(client, path, until=SHOWN).json["paused_until"] == SHOWN
    assert client.simulate_post(f"{path}/resume").json["paused_until"] is None


@pytest.mark.parametrize("until", ["", "soon", "2026-11-20T12:00:00Z", "2029-01-01T00:00:00Z"])
def test_what_is_no_instant_to_come_is_refused(client: Client, path: str, until: str) -> None:
    assert set(refusal(paused(client, path, until=until))) == {"until"}
    assert client.simulate_get(path).json["paused_until"] is None


def test_a_key_stands_for_one_instant(client: Client, path: str) -> None:
    key = {"Idempotency-Key": "one"}
    for _ in range(2):
        result = client.simulate_post(f"{path}/pause", params={"until": SHOWN}, headers=key)
        assert (result.status_code, result.json["paused_until"]) == (200, SHOWN)
    assert (
        client.simulate_post(f"{path}/pause", params={"until": "2026-11-20T14:00:00Z"}, headers=key).status_code == 422
    )


def test_many_jobs_take_it_for_a_pause_alone(client: Client) -> None:
    job_id = client.create()
    body = {"all": True, "until": GIVEN}
    assert set(refusal(client.simulate_post("/api/jobs/actions", json={**body, "action": "cancel"}))) == {"until"}
    assert client.simulate_post("/api/jobs/actions", json={**body, "action": "pause"}).json["changed"] == 1
    assert client.simulate_get(f"/api/jobs/{job_id}").json["paused_until"] == SHOWN
    assert client.simulate_get("/api/jobs").json["results"][0]["paused_until"] == SHOWN
    client.simulate_post("/api/apps/app_a/pause", params={"until": GIVEN})
    assert client.simulate_get("/api/apps").json["results"][0]["paused_until"] == SHOWN
