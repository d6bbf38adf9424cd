"""The OpenAPI document is true: whatever it allows and whatever it forbids, answers are those it describes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests
import schemathesis
import uvicorn
from falcon.testing import TestClient
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.app import create_app
from models.tables import Attempt, Run
from tests.factories import NOON, given_system

NEW_JOB = {"app_name": "app_a", "user_id": 1, "account_id": 2, "task_type": "greet"}
SCHEDULES: list[dict[str, Any]] = [
    {"type": "immediate"},
    {"type": "run_at", "timestamp": "2027-01-01T00:00:00"},
    {"type": "delay_from_now", "duration_seconds": 90},
    {"type": "cron", "expression": "* * * * *", "timezone": "Europe/Berlin", "max_runs": 5},
    {"type": "interval", "frequency": "weekly", "jitter_seconds": 5},
    {"type": "polling", "interval_seconds": 30},
]
EXAMPLES = 40
# "Valid data is accepted" cannot hold: no JSON Schema tells which cron expressions can ever happen.
BEYOND_A_SCHEMA = positive_data_acceptance


@pytest.fixture
def url(sqlite: str) -> Iterator[str]:
    """The address of a real server over an empty database."""
    app = create_app(given_system(), lambda: True, threading.Event())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def _document(**settings_given: Any) -> dict[str, Any]:
    app = create_app(given_system(**settings_given), lambda: True, threading.Event())
    document: dict[str, Any] = TestClient(app).simulate_get("/openapi.json", host="localhost").json
    return document


DOCUMENT = _document()
DESCRIBED = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    operation["operationId"]: (path, method)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def _asked_at_random(operation_id: str) -> Any:
    """A test that asks for one operation in ways its description allows and forbids."""

    @DESCRIBED.include(operation_id=operation_id).parametrize()
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def test(url: str, case: Case[Any]) -> None:
        case.call_and_validate(base_url=url, excluded_checks=[BEYOND_A_SCHEMA])

    return test


# One name for each: schemathesis gives all operations of a test one node id, of which xdist runs only one.
for _id in OPERATIONS:
    globals()[f"test_{_id}_answers_as_described"] = _asked_at_random(_id)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: str(schedule["type"]))
def test_answers_about_what_is_there_are_as_described(url: str, schedule: dict[str, Any]) -> None:
    job_id = requests.post(f"{url}/api/jobs/create", json={**NEW_JOB, "schedule": schedule}, timeout=10).json()["id"]
    run = Run.get(Run.job == job_id)
    Attempt.create(run=run.id, number=1, fence=1, worker_id=uuid4(), started_at=NOON)
    Run.update(attempt_count=1).execute()
    ids = {"job_id": job_id, "run_id": str(run.id), "name": "app_a"}
    seen = set()
    for path, method in _paths_with_ids():
        operation = DESCRIBED[path][method]
        case = operation.Case(path_parameters={name: ids[name] for name in ids if f"{{{name}}}" in path})
        answer = case.call(base_url=url)
        assert answer.status_code == 200, (path, answer.text)
        case.validate_response(answer)
        seen.add(path)
    assert len(seen) == 9


def _paths_with_ids() -> list[tuple[str, str]]:
    """Each operation on one thing, cancelling last."""
    found = [(path, method) for path, method in OPERATIONS.values() if "{" in path and method != "put"]
    return sorted(found, key=lambda pair: (pair[0].endswith("cancel"), pair[0].endswith("resume"), pair[0]))


@pytest.mark.parametrize("settings_given", [{}, {"internal_secret": "x"}], ids=["anonymous", "secret"])
def test_the_document_tells_who_must_show_a_secret(settings_given: dict[str, str]) -> None:
    document = _document(**settings_given)
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == (bool(settings_given) and path.startswith("/api/"))
            assert operation["operationId"]
            assert operation["tags"]
