"""Jobs as /scheduler/jobs takes them."""

from __future__ import annotations

from typing import Any

from tests.integration.api.client import Client


def post(client: Client, **body: Any) -> Any:
    return client.simulate_post("/scheduler/jobs/", json={"name": "Report", "cron_expression": "0 9 * * 1", **body})


def create(client: Client, **body: Any) -> Any:
    result = post(client, **body)
    assert result.status_code == 201, result.text
    return result.json
