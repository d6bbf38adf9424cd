"""Idempotency-Key on everything that creates, starts or changes something: one effect, and one answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models import database
from models.tables import ALL, IdempotencyKey, Installation, Job, Run, Token
from tests.factories import GivenSystem, claim_one, first_run, given_system, polled, record, refused
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal, served
from tests.integration.api.test_accounts import token_of
from tests.integration.api.test_typed_jobs import MAIL, TYPED
from tests.integration.execution.attempting import attempt
from tests.integration.files.uploading import PATH as UPLOAD
from tests.integration.files.uploading import form, spooled

KEY = {"Idempotency-Key": "order-17/first"}
SOON, TWO_HOURS = "2026-11-20T12:30:00Z", 7200.0
SPAN = {"from": "2026-11-20T09:00:00Z", "to": "2026-11-20T12:00:00Z", "again": True}
LATER = {"type": "delay_from_now", "duration_seconds": 86_400}

Asked = tuple[str, dict[str, Any]]


@pytest.fixture
def system(store: str, tmp_path: Path) -> GivenSystem:
    return given_system(commands_allowed="echo", data_dir=tmp_path)


# What the databases have no part in is shown on one of them.
ON_SQLITE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def a_job(_system: GivenSystem, client: Client) -> str:
    return client.create(schedule=LATER)


def a_failed_run(system: GivenSystem, _client: Client) -> Run:
    run = first_run(system)
    attempt(system, refused())
    return run


def a_polling_job(system: GivenSystem, client: Client) -> str:
    job_id = client.create()
    record(system, claim_one(system), polled({"page": 2}))
    return job_id


def a_cron_job(_system: GivenSystem, client: Client) -> str:
    return client.create(schedule={"type": "cron", "expression": "0 * * * *"}, overlap="allow")


def paused(client: Client, what: str) -> str:
    assert client.simulate_post(f"/api/{what}/pause").status_code == 200
    return f"/api/{what}/resume"


def an_app(_system: GivenSystem, client: Client) -> str:
    client.create(schedule=LATER)
    return "apps/app_a"


# Of each operation that takes a key: what is asked for, of what, that has an effect when it is asked for again.
TAKE_A_KEY: dict[str, Callable[[GivenSystem, Client], Asked]] = {
    "createJob": lambda _s, _c: ("/api/jobs/create", {"json": PRINTED}),
    "createJobs": lambda _s, _c: ("/api/jobs/bulk", {"json": {"jobs": [PRINTED, PRINTED], "mode": "each"}}),
    "createAnyJob": lambda _s, _c: (
        "/api/jobs/",
        {"json": {**TYPED, "schedule_type": "scheduled", "scheduled_time": SOON}},
    ),
    "sendEmails": lambda _s, _c: (
        "/api/jobs/send-email/",
        {"json": {**MAIL, "schedule_type": "scheduled", "scheduled_time": SOON}},
    ),
    "createTask": lambda _s, c: (
        "/api/tasks/",
        {"json": {"command": "echo hi", "scheduled_time": SOON}, "headers": token_of(c, "anna")},
    ),
    "createSchedulerJob": lambda _s, _c: (
        "/scheduler/jobs/",
        {"json": {"name": "n", "cron_expression": "0 9 * * *"}},
    ),
    "createDeadlineJob": lambda _s, _c: ("/jobs/api/jobs/", {"json": {"name": "n", "deadline": SOON}}),
    "uploadFile": lambda _s, _c: (UPLOAD, form(schedule_type="scheduled", scheduled_time=SOON)),
    "triggerJob": lambda s, c: (f"/api/jobs/{a_job(s, c)}/trigger", {"json": {"data": {"n": 1}}}),
    "retryJob": lambda s, c: (f"/api/jobs/{a_failed_run(s, c).job_id}/retry", {}),
    "backfillJob": lambda s, c: (f"/api/jobs/{a_cron_job(s, c)}/backfill", {"json": SPAN}),
    "rewindJob": lambda s, c: (f"/api/jobs/{a_polling_job(s, c)}/rewind", {"json": {"version": 0}}),
    "replayRun": lambda s, c: (f"/api/runs/{a_failed_run(s, c).id}/replay", {}),
    "replayRuns": lambda s, c: (
        "/api/runs/replay",
        {"json": {"filter": {"account_id": stored_account(a_failed_run(s, c))}}},
    ),
    "actOnJobs": lambda s, c: (
        "/api/jobs/actions",
        {"json": {"action": "trigger", "filter": {"task_type": task_type(a_job(s, c))}}},
    ),
    "cancelJob": lambda s, c: (f"/api/jobs/{a_job(s, c)}/cancel", {}),
    "pauseJob": lambda s, c: (f"/api/jobs/{a_job(s, c)}/pause", {}),
    "resumeJob": lambda s, c: (paused(c, f"jobs/{a_job(s, c)}"), {}),
    "cancelRun": lambda s, _c: (f"/api/runs/{first_run(s).id}/cancel", {}),
    "pauseApp": lambda s, c: (f"/api/{an_app(s, c)}/pause", {}),
    "resumeApp": lambda s, c: (paused(c, an_app(s, c)), {}),
    "pauseEverything": lambda _s, _c: ("/api/installation/pause", {}),
    "resumeEverything": lambda _s, c: (paused(c, "installation"), {}),
}
# Every other POST, and why it takes none.
TAKE_NONE = {
    "previewSchedule": "changes nothing",
    "register": "a name can be registered once, and a quick hash of a password is never kept",
    "registerByPage": "as register",
    "logIn": "an answer that holds a token is never kept",
    "logInByPage": "as logIn",
    "logOut": "ends what it is asked with",
    "logOutByPage": "as logOut",
    "reportHeartbeat": "the run and its token tell which report it is",
    "reportCompletion": "the same report again is answered alike, by the run and its token",
    "reportFailure": "as reportCompletion",
}
TAKEN_BACK_BY_OTHERS = {
    "pauseJob": "resume",
    "resumeJob": "pause",
    "pauseApp": "resume",
    "resumeApp": "pause",
    "pauseEverything": "resume",
    "resumeEverything": "pause",
}


def stored_account(run: Run) -> str:
    return str(Job.get_by_id(run.job_id).account_id)


def task_type(job_id: str) -> str:
    return str(Job.get_by_id(job_id).task_type)


def rows() -> dict[str, list[str]]:
    """All that is stored, but for keys and tokens."""
    with database.reading():
        tables: list[Any] = [table for table in (*ALL, Installation) if table not in (IdempotencyKey, Token)]
        return {table.__name__: sorted(repr(row.__data__) for row in table.select()) for table in tables}


def post(client: Client, path: str, options: dict[str, Any], headers: dict[str, str]) -> Any:
    return client.simulate_post(path, **{**options, "headers": {**options.get("headers", {}), **headers}})


def under_key(client: Client, asked: Asked) -> Any:
    return post(client, *asked, KEY)


def answer(result: Any) -> tuple[int, bytes, str | None]:
    return result.status_code, result.content, result.headers.get("Location")


def in_other_words(asked: Asked) -> Asked:
    """The same request with another body."""
    path, options = asked
    if "body" in options:
        return path, form(b"other bytes", schedule_type="scheduled", scheduled_time=SOON)
    body = options.get("json", {})
    return path, {**options, "json": {**body, "dry_run" if "filter" in body else "other": True}}


def posts(client: Client) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every POST in the document, by its operation."""
    paths = client.simulate_get("/openapi.json").json["paths"]
    return {
        operations["post"]["operationId"]: (path, operations["post"])
        for path, operations in paths.items()
        if "post" in operations
    }


@ON_SQLITE
def test_every_post_takes_a_key_or_has_a_reason_not_to(client: Client) -> None:
    described = posts(client)
    with_key = {
        name
        for name, (_, operation) in described.items()
        if any(one["name"] == "Idempotency-Key" and one["in"] == "header" for one in operation["parameters"])
    }
    assert with_key == TAKE_A_KEY.keys()
    assert described.keys() - with_key == TAKE_NONE.keys()
    assert all({"409", "422"} <= described[name][1]["responses"].keys() for name in with_key)


@ON_SQLITE
def test_every_route_that_takes_a_post_is_in_the_document(client: Client) -> None:
    documented = {path.rstrip("/").replace("{", "").replace("}", "") for path, _ in posts(client).values()}
    routed = set()
    waiting = list(client.app._router._roots)
    while waiting:
        node = waiting.pop()
        waiting += node.children
        if node.method_map and getattr(node.method_map.get("POST"), "__name__", "") == "on_post":
            routed.add(str(node.uri_template).replace(":uuid", "").replace("{", "").replace("}", ""))
    assert len(routed) == len(TAKE_A_KEY) + len(TAKE_NONE)
    assert routed == documented


@pytest.mark.parametrize("operation", TAKE_A_KEY)
def test_the_same_request_has_one_effect_and_one_answer(client: Client, system: GivenSystem, operation: str) -> None:
    asked = TAKE_A_KEY[operation](system, client)
    before = rows()
    system.doorbell.heard()
    first = under_key(client, asked)
    assert first.status_code in (200, 201), first.text
    after, rings = rows(), system.doorbell.heard()
    assert after != before
    system.clock.advance(TWO_HOURS)
    again = under_key(client, asked)
    assert answer(again) == answer(first)
    assert (rows(), system.doorbell.heard()) == (after, [])
    assert len({ring.run_id for ring in rings}) == len(rings)


@ON_SQLITE
@pytest.mark.parametrize("operation", TAKE_A_KEY)
def test_the_same_key_with_another_body_is_refused_and_has_no_effect(
    client: Client, system: GivenSystem, operation: str
) -> None:
    asked = TAKE_A_KEY[operation](system, client)
    assert under_key(client, asked).status_code in (200, 201)
    after = rows()
    refused_one = under_key(client, in_other_words(asked))
    assert (refused_one.status_code, refused_one.json["type"]) == (422, "/problems/key-reused")
    assert [one["field"] for one in refused_one.json["errors"]] == ["Idempotency-Key"]
    assert rows() == after


@ON_SQLITE
@pytest.mark.parametrize("operation", TAKEN_BACK_BY_OTHERS)
def test_a_late_repeat_does_not_undo_what_others_did_meanwhile(
    client: Client, system: GivenSystem, operation: str
) -> None:
    asked = TAKE_A_KEY[operation](system, client)
    first = under_key(client, asked)
    assert client.simulate_post(f"{asked[0].rpartition('/')[0]}/{TAKEN_BACK_BY_OTHERS[operation]}").status_code == 200
    since = rows()
    assert answer(under_key(client, asked)) == answer(first)
    assert rows() == since


@ON_SQLITE
@pytest.mark.parametrize("operation", TAKE_A_KEY)
def test_a_wrong_key_is_refused_before_anything_else(client: Client, operation: str) -> None:
    path, _ = posts(client)[operation]
    path = path.replace("{job_id}", NO_JOB).replace("{run_id}", NO_JOB).replace("{name}", "nobody")
    options = form() if operation == "uploadFile" else {"json": {}}
    options |= {"headers": token_of(client, "anna")} if operation == "createTask" else {}
    before = rows()
    wrong = post(client, path, options, {"Idempotency-Key": "two words"})
    assert set(refusal(wrong)) == {"Idempotency-Key"}
    assert rows() == before


WRONG: dict[str, Asked] = {
    "a field": ("/api/jobs/create", {"json": {**PRINTED, "priority": 99}}),
    "a field in the words of a source": ("/jobs/api/jobs", {"json": {"name": "n", "deadline": "2020-01-01T00:00:00Z"}}),
    "an instant of mail": (
        "/api/jobs/send-email",
        {"json": {**MAIL, "schedule_type": "scheduled", "scheduled_time": "2020-01-01T00:00:00Z"}},
    ),
    "a form": (UPLOAD, form(priority="many")),
    "no JSON": ("/api/jobs/create", {"body": b"{", "headers": {"Content-Type": "application/json"}}),
    "JSON that nests too deeply": (
        "/api/jobs/create",
        {"body": b"[" * 100_000, "headers": {"Content-Type": "application/json"}},
    ),
    "no job": (f"/api/jobs/{NO_JOB}/trigger", {"json": {}}),
    "no run": (f"/api/runs/{NO_JOB}/replay", {}),
    "no app": ("/api/apps/nobody/resume", {}),
    "no filter": ("/api/runs/replay", {"json": {}}),
    "no span": (f"/api/jobs/{NO_JOB}/backfill", {"json": {}}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_request_that_is_refused_leaves_its_key_free(client: Client, system: GivenSystem, what: str) -> None:
    before = rows()
    assert under_key(client, WRONG[what]).status_code in (400, 404)
    assert (rows(), IdempotencyKey.select().count(), spooled(system)) == (before, 0, [])


def test_a_conflict_leaves_the_key_free_for_when_it_is_over(client: Client, system: GivenSystem) -> None:
    run = a_failed_run(system, client)
    path = f"/api/runs/{run.id}/replay"
    client.simulate_post(path)
    assert post(client, path, {}, KEY).status_code == 409
    attempt(system, refused())
    assert post(client, path, {}, KEY).status_code == 201


@ON_SQLITE
def test_a_key_is_that_of_one_operation_on_one_thing(client: Client, system: GivenSystem) -> None:
    those = [a_job(system, client) for _ in range(2)]
    made = {
        post(client, f"/api/jobs/{job_id}/{action}", {}, KEY).json["id"]
        for job_id in those
        for action in ("trigger", "pause")
    }
    assert len(made) == 4


@ON_SQLITE
@pytest.mark.parametrize("operation", ["createDeadlineJob", "sendEmails", "uploadFile"])
def test_a_key_is_its_callers_own(system: GivenSystem, operation: str) -> None:
    asked = TAKE_A_KEY[operation](system, Client(served(system)))
    callers = [Client(served(system), headers=token_of(Client(served(system)), name)) for name in ("anna", "berta")]
    made = [under_key(caller, asked).json["id"] for caller in callers * 2]
    assert (made[:2], len({*made})) == (made[2:], 2)


@ON_SQLITE
def test_an_upload_sent_again_leaves_one_file_in_the_spool(client: Client, system: GivenSystem) -> None:
    first, again = (under_key(client, (UPLOAD, form(b"hello"))) for _ in range(2))
    assert answer(first) == answer(again)
    assert len(spooled(system)) == 1
    for other in (form(b"hell0"), form(b"hello", name="other.txt"), form(b"hello", priority="9")):
        assert under_key(client, (UPLOAD, other)).status_code == 422
    assert len(spooled(system)) == 1


@ON_SQLITE
def test_neither_spaces_nor_order_make_another_request(client: Client) -> None:
    head = {"Content-Type": "application/json"}
    bodies = (b'{"name": "n",  "priority": "high"}', b'{"priority":"high","name":"n"}')
    ids = {under_key(client, ("/jobs/api/jobs", {"body": body, "headers": head})).json["id"] for body in bodies}
    assert len(ids) == 1


@ON_SQLITE
def test_an_empty_body_and_an_empty_object_are_one_request(client: Client, system: GivenSystem) -> None:
    path = f"/api/jobs/{a_job(system, client)}/trigger"
    assert under_key(client, (path, {})).json == under_key(client, (path, {"json": {}})).json


@ON_SQLITE
def test_without_a_key_each_request_has_its_effect(client: Client) -> None:
    for _ in range(2):
        client.simulate_post("/jobs/api/jobs", json={"name": str(uuid4())})
    assert Job.select().count() == 2
    assert IdempotencyKey.select().count() == 0


@ON_SQLITE
def test_the_answer_is_that_of_the_first_time_whatever_became_of_the_job(client: Client, system: GivenSystem) -> None:
    asked = ("/api/jobs/", {"json": {**PRINTED, "schedule": {"type": "immediate"}}})
    first = under_key(client, asked)
    attempt(system, refused())
    client.simulate_delete(f"/api/jobs/{first.json['id']}")
    assert answer(under_key(client, asked)) == answer(first)
