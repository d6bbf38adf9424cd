"""Metrics of a web process: what they show of its state, and to whom."""

from __future__ import annotations

import pytest

from services.runtime.metrics import CONTENT_TYPE
from services.runtime.troubles import Trouble
from tests.factories import given_system
from tests.figures import figures
from tests.integration.api.client import Broker, Client, served
from tests.integration.api.people import SECRET

AMISS = Trouble("runs.http", "It is declared otherwise.", "Delete it.")


def test_the_state_of_database_broker_and_troubles_is_shown(client: Client, broker: Broker) -> None:
    broker.is_up, broker.troubles = False, [AMISS]
    result = client.simulate_get("/metrics")
    assert (result.status_code, result.headers["Content-Type"]) == (200, CONTENT_TYPE)
    page = figures(result.text)
    assert (page["carillon_database_up", ()], page["carillon_broker_up", ()]) == (1, 0)
    assert page["carillon_trouble", ("runs.http",)] == 1
    assert page["carillon_pool_threads", ("web",)] > page["carillon_pool_calls", ("web",)] == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {SECRET}"}, 200),
        ({"X-Internal-Secret": SECRET}, 200),
    ],
)
def test_who_shows_the_secret_sees_them(sqlite: str, headers: dict[str, str], status: int) -> None:
    client = Client(served(given_system(internal_secret=SECRET)))
    result = client.simulate_get("/metrics", headers=headers)
    assert result.status_code == status
