"""Idempotency-Key on every POST that creates jobs or acts on what is there: one effect, and one answer."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest

from models.tables import IdempotencyKey, Job
from tests.factories import GivenSystem, given_system, refused
from tests.integration.api.bodies import MAIL
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal, served
from tests.integration.api.keyed import (
    KEY,
    ON_SQLITE,
    TAKE_A_KEY,
    TAKE_NONE,
    TAKEN_BACK_BY_OTHERS,
    TWO_HOURS,
    Asked,
    a_failed_run,
    a_job,
    answer,
    in_other_words,
    post,
    posts,
    rows,
    under_key,
)
from tests.integration.api.people import token_of
from tests.integration.execution.attempting import attempt
from tests.integration.files.uploading import PATH as UPLOAD
from tests.integration.files.uploading import form, spooled


@pytest.fixture
def system(store: str, tmp_path: Path) -> GivenSystem:
    return given_system(commands_allowed="echo", data_dir=tmp_path)


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
def test_the_readme_names_every_post_that_takes_a_key_and_no_other(client: Client) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    [told] = re.findall(
        r"^These POSTs take an `Idempotency-Key`.*?(?=\n\nA request repeated)", readme, re.MULTILINE | re.DOTALL
    )
    named = set(re.findall(r"`(/[\w/-]+)`", told))
    by_key: dict[bool, set[str]] = {True: set(), False: set()}
    for name, (path, _) in posts(client).items():
        whole = path.rstrip("/")
        by_key[name in TAKE_A_KEY].add(whole if whole in named else f"/{whole.rpartition('/')[2]}")
    assert named == by_key[True]
    assert named & by_key[False] == set()


@ON_SQLITE
def test_every_route_that_takes_a_post_is_in_the_document(client: Client) -> None:
    documented = {path.rstrip("/").replace("{", "").replace("}", "") for path, _ in posts(client).values()}
    routed = set()
    waiting = list(client.app._router._roots)
    while waiting:
        node = waiting.pop()
        waiting += node.children
        if node.method_map and getattr(node.method_map.get("POST"), "__name__", "") == "on_post":
            routed.add(re.sub(r":\w+}", "}", str(node.uri_template)).replace("{", "").replace("}", ""))
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
    path = path.replace("{version}", "1")
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
