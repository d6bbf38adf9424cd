"""Other data for a single run: of what Carillon performs itself, it is for who may edit the job."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.errors import PermanentFailure
from core.scopes import Role
from services.execution.work import Failed
from tests.factories import GivenSystem, claim_one, record, runs_of
from tests.integration.access.tenants import ADDRESS, MINE, Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import Client

ELSEWHERE: dict[str, Any] = {"url": "http://127.0.0.1:10/", "body": {"x": "{{secret.TOKEN}}"}}
NOW: dict[str, Any] = {"schedule": {"type": "immediate"}}
OF_OURS: dict[str, Any] = {**NOW, "task_type": "http", "data": {"url": f"{ADDRESS}/x"}}


@pytest.fixture
def app(client: Client, anna: Headers) -> str:
    return made_app(client, anna, MINE)


@pytest.fixture
def operators(client: Client, app: str, anna: Headers) -> list[Headers]:
    return [made_key(client, anna, app, "operate"), joined(client, anna, app, "olga", Role.OPERATOR)]


def dead_run(client: Client, guarded: GivenSystem, who: Headers, **job: Any) -> UUID:
    job_id = made_job(client, who, MINE, **job)
    record(guarded, claim_one(guarded), Failed(PermanentFailure("no")))
    return runs_of(UUID(job_id))[0].id


def test_an_operator_sends_no_secret_of_the_app_elsewhere_by_triggering(
    client: Client, app: str, anna: Headers, operators: list[Headers]
) -> None:
    path = f"/api/jobs/{made_job(client, anna, app, **OF_OURS)}/trigger"
    for who in operators:
        for data in (ELSEWHERE, {}, {"url": 1}):
            refused = client.simulate_post(path, headers=who, json={"data": data})
            assert (refused.status_code, "jobs" in refused.json["detail"]) == (403, True)
        assert client.simulate_post(path, headers=who).status_code == 201
    developer = made_key(client, anna, app, "operate", "jobs")
    assert client.simulate_post(path, headers=developer, json={"data": ELSEWHERE}).status_code == 201


def test_an_operator_sends_no_secret_of_the_app_elsewhere_by_replaying(
    client: Client, guarded: GivenSystem, app: str, anna: Headers, operators: list[Headers]
) -> None:
    path = f"/api/runs/{dead_run(client, guarded, anna, **OF_OURS)}/replay"
    for who in operators:
        refused = client.simulate_post(path, headers=who, json={"data": ELSEWHERE})
        assert (refused.status_code, "jobs" in refused.json["detail"]) == (403, True)
    assert client.simulate_post(path, headers=operators[0]).status_code == 201


def test_an_operator_gives_a_callback_other_data(
    client: Client, guarded: GivenSystem, app: str, anna: Headers, operators: list[Headers]
) -> None:
    replayed = f"/api/runs/{dead_run(client, guarded, anna, **NOW)}/replay"
    triggered = f"/api/jobs/{made_job(client, anna, app, **NOW)}/trigger"
    for who, path in zip(operators, (replayed, triggered), strict=True):
        assert client.simulate_post(path, headers=who, json={"data": {"month": 5}}).status_code == 201
