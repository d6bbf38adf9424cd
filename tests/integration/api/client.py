"""A client that speaks to the API inside the process, and what it asks for."""

from __future__ import annotations

import threading
from typing import Any, cast

import falcon.testing

from api.app import App, create_app
from api.errors import MEDIA_PROBLEM
from services.runtime.troubles import Trouble
from tests.factories import GivenSystem

PRINTED = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "polling_task",
    "schedule": {"type": "polling", "interval_seconds": 30},
    "data": {"some_key": "some_value"},
}
NO_JOB = "00000000-0000-7000-8000-000000000000"


class Client(falcon.testing.TestClient):
    """Speaks to an app by the name 127.0.0.1, and takes only well-formed problems for an answer."""

    def simulate_request(self, *args: Any, **options: Any) -> Any:
        result = super().simulate_request(*args, **{"host": "127.0.0.1", **options})
        assert result.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in result.headers["Content-Security-Policy"]
        if result.status_code >= 400 and result.content and "/readyz" not in str(args):
            problem = result.json
            assert result.headers["Content-Type"] == MEDIA_PROBLEM
            assert problem["status"] == result.status_code
            assert problem["request_id"] == result.headers["X-Request-Id"]
            assert problem["title"]
            assert problem["detail"]
        return result

    def create(self, **changes: Any) -> str:
        result = self.simulate_post("/api/jobs/create", json={**PRINTED, **changes})
        assert result.status_code == 201, result.text
        return cast("str", result.json["id"])

    def refused(self, **changes: Any) -> dict[str, str]:
        """The wrong fields that creating a job is refused for."""
        return refusal(self.simulate_post("/api/jobs/create", json={**PRINTED, **changes}))


def refusal(result: Any) -> dict[str, str]:
    assert result.status_code == 400, result.text
    return {one["field"]: one["message"] for one in result.json["errors"]}


class Broker:
    def __init__(self) -> None:
        self.is_up = True
        self.troubles: list[Trouble] = []
        self.shutting_down = threading.Event()


def served(system: GivenSystem, broker: Broker | None = None) -> App:
    broker = broker or Broker()
    return create_app(system, lambda: broker.is_up, broker.shutting_down, lambda: broker.troubles)
