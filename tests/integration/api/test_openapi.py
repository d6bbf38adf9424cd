"""The OpenAPI document is true: whatever it allows and whatever it forbids, answers are those it describes."""

from __future__ import annotations

import functools
import re
import socket
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import requests
import schemathesis
import uvicorn
from cryptography.fernet import Fernet
from falcon.testing import TestClient
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from api import openapi
from api.app import create_app
from models.tables import Attempt, Run
from tests.factories import NOON, given_system
from tests.integration.api.addresses import FOR_ANYONE_KNOWN, FOR_RECEIVERS, FOR_USERS, OPEN
from tests.integration.api.listening import ENDLESS
from tests.lengths import EXAMPLES, OF_BORDERS
from tests.waiting import LONGEST

NEW_JOB = {"app_name": "app_a", "user_id": 1, "account_id": 2, "task_type": "greet"}
KEY = Fernet.generate_key().decode()
SCHEDULES: list[dict[str, Any]] = [
    {"type": "immediate"},
    {"type": "run_at", "timestamp": "2027-01-01T00:00:00"},
    {"type": "delay_from_now", "duration_seconds": 90},
    {"type": "cron", "expression": "* * * * *", "timezone": "Europe/Berlin", "max_runs": 5},
    {"type": "interval", "frequency": "weekly", "jitter_seconds": 5},
    {"type": "polling", "interval_seconds": 30},
]
# What may be refused, by the state of things, in the order of asking; with bodies.
REQUESTS: dict[str, dict[str, Any] | None] = {
    "patchJob": {"priority": 7, "tags": ["a"]},
    "triggerJob": {"data": {"n": 1}},
    "testCall": None,
    "testCallOfApp": {"task_type": "greet"},
    "revertJob": None,
    "retryJob": None,
    "backfillJob": {"from": "2026-11-20T11:00:00Z", "to": "2026-11-20T13:00:00Z"},
    "listPollingStates": None,
    "rewindJob": {"version": 0},
    "replayRun": None,
    "cancelRun": None,
    "replayRuns": {"filter": {"status": "cancelled"}},
    "actOnJobs": {"action": "trigger", "filter": {"tag": "a"}},
    "getOutboxEmail": None,
    "deleteSecret": None,
    "addSigningSecret": None,
    "deleteSigningSecret": None,
    "getDownloadUrl": None,
    "deleteJob": None,
    "patchApp": {"callback_base_url": None},
    "deleteApp": None,
}
# Operations on one thing that have tests of their own: reports, members, keys, senders, users' own tokens,
# invitations, who ends the access of a user, breakers, limits, the archive, workers, and what the source systems call
# by other names.
ELSEWHERE = (
    "/reports/",
    "/api/apps/{name}/members",
    "/api/apps/{name}/keys",
    "/api/apps/{name}/senders",
    "/api/me/tokens/",
    "/api/invitations/",
    "/api/users/",
    "/api/views/",
    "/api/breakers/",
    "/api/limits/",
    "/api/archive/",
    "/api/workers/",
    "/api/tasks/",
    "/scheduler/",
    "/jobs/api/",
)
FOR_ADMINISTRATORS = {"putSenders", "getArchivedRun"}  # at a path about one thing
IDS = {one.operation_id for one in openapi.described}
ABOUT_ONE = ("{job_id}", "{run_id}", "{name}")
# "Valid data is accepted" cannot hold: no JSON Schema tells which cron expressions can ever happen.
BEYOND_A_SCHEMA = positive_data_acceptance
# In the mode `each`, wrong jobs are told in an answer that is good.
TOLD_IN_A_GOOD_ANSWER = {"createJobs": [negative_data_rejection]}
# These take jobs as createJob takes them, which gets every request about the borders of one.
ALIKE = {"createJobs", "putJob"}
# A form holds texts alone: what is no text in JSON is one there.
ALWAYS_TEXT = {"uploadFile": [negative_data_rejection]}


@pytest.fixture
def url(sqlite: str) -> Iterator[str]:
    """The address of a real server over an empty database."""
    app = create_app(given_system(secret_keys=KEY), lambda: True, threading.Event())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(LONGEST)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """One connection for all the requests of a test, which looks for no proxy on its way."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _document(**settings_given: Any) -> dict[str, Any]:
    app = create_app(given_system(**settings_given), lambda: True, threading.Event())
    document: dict[str, Any] = TestClient(app).simulate_get("/openapi.json", host="localhost").json
    return document


# Made when a test asks for them: made when tests are collected, each test process would take seconds for it.
DESCRIBED_LATER = schemathesis.pytest.from_fixture("described")


@functools.cache
def _the_document() -> dict[str, Any]:
    return _document()


@functools.cache
def _the_described() -> OpenApiSchema:
    return schemathesis.openapi.from_dict(_the_document())


@functools.cache
def _operations() -> dict[str, tuple[str, str]]:
    """The path and method of each operation, by its id."""
    return {
        operation["operationId"]: (path, method)
        for path, operations in _the_document()["paths"].items()
        for method, operation in operations.items()
    }


@pytest.fixture(scope="session")
def described() -> OpenApiSchema:
    """What the OpenAPI document describes."""
    return _the_described()


def _asked_at_random(operation_id: str) -> Any:
    """A test that asks for one operation in ways its description allows and forbids."""
    borders = count()

    @DESCRIBED_LATER.include(operation_id=operation_id).parametrize()
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def test(url: str, session: requests.Session, case: Case[Any]) -> None:
        is_about_borders = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
        if is_about_borders and operation_id in ALIKE and next(borders) % OF_BORDERS:
            return
        excluded: list[Any] = [
            BEYOND_A_SCHEMA,
            *TOLD_IN_A_GOOD_ANSWER.get(operation_id, []),
            *ALWAYS_TEXT.get(operation_id, []),
        ]
        case.call_and_validate(base_url=url, session=session, excluded_checks=excluded)

    return test


# One name for each: schemathesis gives all operations of a test one node id, of which xdist runs only one.
# In one order, or test processes would disagree.
for _id in sorted(IDS - ENDLESS):
    globals()[f"test_{_id}_answers_as_described"] = _asked_at_random(_id)


def test_those_that_meet_fewer_requests_about_borders_take_what_create_job_takes() -> None:
    schemas = _the_document()["components"]["schemas"]
    taken = {
        operation_id: operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for path, method in _operations().values()
        if (operation_id := (operation := _the_document()["paths"][path][method])["operationId"])
        in {*ALIKE, "createJob"}
    }
    assert taken == {"createJob": "NewJob", "createJobs": "NewJobList", "putJob": "WholeJob"}
    of_new = schemas["NewJob"]["properties"]
    assert schemas["NewJobList"]["properties"]["jobs"]["items"] == {"$ref": "#/components/schemas/NewJob"}
    assert schemas["WholeJob"]["properties"] == {name: of_new[name] for name in of_new if name != "app_name"}


def test_the_document_has_each_operation_that_is_declared() -> None:
    assert _operations().keys() == IDS


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: str(schedule["type"]))
def test_answers_about_what_is_there_are_as_described(url: str, schedule: dict[str, Any]) -> None:
    job_id = requests.post(f"{url}/api/jobs/create", json={**NEW_JOB, "schedule": schedule}, timeout=LONGEST).json()[
        "id"
    ]
    run = Run.get(Run.job == job_id)
    Attempt.create(run=run.id, number=1, fence=1, worker_id=uuid4(), started_at=NOON)
    Run.update(attempt_count=1).execute()
    ids = {"job_id": job_id, "run_id": str(run.id), "name": "app_a", "version": "1", "other": "1"}
    seen = set()
    for path, method in _paths_with_ids():
        operation = _the_described()[path][method]
        parameters = {name: ids[name] for name in ids if f"{{{name}}}" in path}
        case = operation.Case(path_parameters=parameters, query={"at": NOON.isoformat()} if "/why" in path else {})
        answer = case.call(base_url=url)
        assert answer.status_code == 200, (path, answer.text)
        case.validate_response(answer)
        seen.add(path)
    assert len(seen) == len(_paths_with_ids()) == 22


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: str(schedule["type"]))
def test_what_may_be_refused_is_answered_as_described(url: str, schedule: dict[str, Any]) -> None:
    """The schedule decides whether a request is refused; either answer is in the document."""
    job_id = requests.post(f"{url}/api/jobs/create", json={**NEW_JOB, "schedule": schedule}, timeout=LONGEST).json()[
        "id"
    ]
    ids = {"job_id": job_id, "run_id": str(Run.get(Run.job == job_id).id), "email_id": job_id, "secret_id": job_id}
    ids |= {"version": "1", "other": "1"}
    ids |= {"name": "app_a", "secret_name": "TOKEN"}
    statuses = {}
    for operation_id, body in REQUESTS.items():
        path, method = _operations()[operation_id]
        parameters = {name: ids[name] for name in ids if f"{{{name}}}" in path}
        content: dict[str, Any] = {} if body is None else {"body": body, "media_type": "application/json"}
        case = _the_described()[path][method].Case(path_parameters=parameters, **content)
        answer = case.call(base_url=url)
        case.validate_response(answer, excluded_checks=[BEYOND_A_SCHEMA])
        statuses[operation_id] = answer.status_code
    assert (statuses["patchJob"], statuses["actOnJobs"], statuses["deleteJob"]) == (200, 200, 204)
    assert 500 not in statuses.values()


def _paths_with_ids() -> list[tuple[str, str]]:
    """Each operation on one thing, but for those of which not all are granted; cancelling last."""
    may_be_refused = [_operations()[operation_id] for operation_id in REQUESTS]
    others = [pair for pair in _operations().values() if pair not in may_be_refused]
    found = [pair for pair in others if "{" in pair[0] and pair[1] != "put" and not pair[0].startswith(ELSEWHERE)]
    return sorted(found, key=lambda pair: (pair[0].endswith("cancel"), pair[0].endswith("resume"), pair[0]))


@pytest.mark.parametrize("settings_given", [{}, {"internal_secret": "x"}], ids=["anonymous", "secret"])
def test_the_document_tells_what_a_caller_must_show(settings_given: dict[str, str]) -> None:
    document = _document(**settings_given)
    open_to_all = _documented(OPEN | FOR_RECEIVERS)
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            shown = [name for way in operation["security"] for name in way]
            assert ("internalSecret" in shown) == (bool(settings_given) and path not in open_to_all)
            is_for_administrators = operation["operationId"] in FOR_ADMINISTRATORS
            for_users = path in _documented(FOR_USERS | FOR_ANYONE_KNOWN) or any(one in path for one in ABOUT_ONE)
            assert ("userToken" in shown) == (for_users and path not in open_to_all and not is_for_administrators)
            assert operation["operationId"]
            assert operation["tags"]


def test_the_stream_of_events_is_described_as_what_it_is() -> None:
    operation = _the_document()["paths"]["/api/events"]["get"]
    parameters = {one["name"]: one for one in operation["parameters"]}
    assert parameters.keys() == {"job", "app", "topics", "Last-Event-ID"}
    assert parameters["topics"]["explode"] is False
    assert parameters["topics"]["schema"]["items"]["enum"] == ["jobs", "runs", "stats"]
    assert list(operation["responses"]["200"]["content"]) == ["text/event-stream"]


def _documented(templates: set[str]) -> set[str]:
    """The templates of routes as the document spells them."""
    return {re.sub(r":\w+}", "}", template) for template in templates}
