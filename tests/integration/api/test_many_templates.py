"""Checking texts takes time for each value to fill in, so a job, an app and a request have a bounded number of them."""

from __future__ import annotations

from typing import Any

import pytest

from services.task_types import filling
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Client, refusal

AN_APP = "app_a"
URL = "https://example.com"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(email_host="mail.example.com")


def job(task_type: str, data: dict[str, Any]) -> dict[str, Any]:
    whose = {"app_name": AN_APP, "user_id": 1, "account_id": 2}
    return {**whose, "task_type": task_type, "schedule": {"type": "immediate"}, "data": data}


def texts(values: int) -> list[str]:
    """Different texts with so many values together."""
    each = 200
    return [f"{number} " + "{{a}}" * each for number in range(values // each)]


def request(values: int) -> dict[str, Any]:
    return {"url": URL, "body": texts(values)}


def different(number: int) -> dict[str, Any]:
    return job("http", {"url": URL, "body": [f"{number} {text}" for text in texts(4_000)]})


def letters(values: int) -> dict[str, Any]:
    return {
        "emails": [
            {"recipient": f"a{at}@example.com", "subject": "x", "body": text} for at, text in enumerate(texts(values))
        ]
    }


@pytest.mark.parametrize(("task_type", "data"), [("http", request), ("send_email", letters)])
def test_a_job_has_so_many_values_to_fill_in_and_no_more(client: Client, task_type: str, data: Any) -> None:
    most = filling.MAX_VALUES
    assert client.simulate_post("/api/jobs", json=job(task_type, data(most))).status_code == 201
    [message] = refusal(client.simulate_post("/api/jobs", json=job(task_type, data(most + 200)))).values()
    assert f"has {most + 200} values to fill in together, more than {most}" in message


def test_jobs_that_are_created_together_have_so_many_values_to_fill_in_and_no_more(client: Client) -> None:
    few, many = ([different(number) for number in range(count)] for count in (5, 6))
    assert (
        client.simulate_post("/api/jobs/bulk", json={"jobs": [few[0]] * 6}).status_code == 201
    )  # alike: looked at once
    alike = [few[0]] * 6  # whose texts are looked at once
    assert client.simulate_post("/api/jobs/bulk", json={"jobs": alike}).status_code == 201
    assert client.simulate_post("/api/jobs/bulk", json={"jobs": few}).status_code == 201
    faults = refusal(client.simulate_post("/api/jobs/bulk", json={"jobs": many, "mode": "each"}))
    assert "has 24000 values to fill in together, more than 20000" in faults["jobs"]


def test_the_requests_of_an_app_have_so_many_values_to_fill_in_and_no_more(client: Client) -> None:
    types = {f"t{number}": {"request": request(1_000)} for number in range(6)}
    faults = refusal(client.simulate_put(f"/api/apps/{AN_APP}", json={"task_types": types}))
    assert "has 6000 values to fill in together" in faults["task_types"]
