"""The OpenAPI document of several apps in one process."""

from __future__ import annotations

import threading

from falcon.testing import TestClient

from api.app import create_app
from tests.factories import given_system


def test_the_document_of_a_second_app_has_all_that_the_first_has() -> None:
    apps = [create_app(given_system(), lambda: True, threading.Event()) for _ in range(2)]
    first, second = (TestClient(app).simulate_get("/openapi.json", host="localhost").json for app in apps)
    assert first == second
    assert "CronSchedule" in second["components"]["schemas"]
