"""Every operation that takes a key, as it is asked for, and what it leaves in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import database
from models.tables import ALL, IdempotencyKey, Installation, Job, Run, Token
from tests.factories import GivenSystem, claim_one, first_run, polled, record, refused
from tests.integration.api.bodies import MAIL, TYPED
from tests.integration.api.client import PRINTED, Client
from tests.integration.api.people import token_of
from tests.integration.execution.attempting import attempt
from tests.integration.files.uploading import PATH as UPLOAD
from tests.integration.files.uploading import form

KEY = {"Idempotency-Key": "order-17/first"}
SOON, TWO_HOURS = "2026-11-20T12:30:00Z", 7200.0
SPAN = {"from": "2026-11-20T09:00:00Z", "to": "2026-11-20T12:00:00Z", "again": True}
LATER = {"type": "delay_from_now", "duration_seconds": 86_400}

Asked = tuple[str, dict[str, Any]]


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


def an_edited_job(_system: GivenSystem, client: Client) -> str:
    job_id = client.create(schedule=LATER)
    assert client.simulate_patch(f"/api/jobs/{job_id}", json={"priority": 7}).status_code == 200
    return job_id


def paused(client: Client, what: str) -> str:
    assert client.simulate_post(f"/api/{what}/pause").status_code == 200
    return f"/api/{what}/resume"


def restored(client: Client, _run: Run) -> str:
    assert client.simulate_post("/api/installation/restore").status_code == 200
    return "/api/installation/restore"


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
    "revertJob": lambda s, c: (f"/api/jobs/{an_edited_job(s, c)}/versions/1/revert", {}),
    "replayRun": lambda s, c: (f"/api/runs/{a_failed_run(s, c).id}/replay", {}),
    "replayRuns": lambda s, c: (
        "/api/runs/replay",
        {"json": {"filter": {"account_id": stored_account(a_failed_run(s, c))}}},
    ),
    "actOnRuns": lambda s, c: (
        "/api/runs/actions",
        {"json": {"action": "dismiss", "filter": {"account_id": stored_account(a_failed_run(s, c))}}},
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
    "declareRestore": lambda _s, _c: ("/api/installation/restore", {}),
    "releaseRestore": lambda s, c: (f"{restored(c, first_run(s))}/release", {"json": {"runs": 1}}),
}
# Every other POST, and why it takes none.
TAKE_NONE = {
    "previewSchedule": "changes nothing",
    "register": "a name can be registered once, and a quick hash of a password is never kept",
    "registerByPage": "as register",
    "logIn": "an answer that holds a token is never kept",
    "logInByPage": "as logIn",
    "createApp": "a name can be given once",
    "createKey": "an answer that holds a key is never kept",
    "createToken": "an answer that holds a token is never kept",
    "createInvitation": "an answer that holds a link is never kept",
    "saveView": "the same view under the same name is one view",
    "testCall": "each call that is asked for is made, to look at it, and nothing follows",
    "testCallOfApp": "as testCall",
    "offerReset": "an answer that holds a link is never kept",
    "forgotPassword": "another link harms nobody, and the newest password counts",
    "forgotPasswordByPage": "as forgotPassword",
    "resetPassword": "its link opens once",
    "resetPasswordByPage": "as resetPassword",
    "addSigningSecret": "an answer that holds a secret is never kept; one that is given twice is added once",
    "drainWorker": "a worker that is drained twice is drained",
    "logOut": "ends what it is asked with",
    "logOutByPage": "as logOut",
    "reportHeartbeat": "the run and its token tell which report it is",
    "reportLog": "lines are for people, who see it where one comes twice",
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
        return {table.__name__: sorted(_written(row.__data__) for row in table.select()) for table in tables}


def _written(row: dict[str, Any]) -> str:
    return repr({name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()})


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
