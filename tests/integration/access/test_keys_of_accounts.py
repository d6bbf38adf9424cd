"""A key of one account gets neither the secrets of its app nor its signature under a text of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from actors.handlers.call import perform_call
from core.errors import PermanentFailure
from services.execution.work import Failed
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, claim_one, given_system, record, runs_of
from tests.integration.access.tenants import ADDRESS, MINE, SETTINGS, Headers, made_app, made_job, made_key
from tests.integration.api.client import PRINTED, Client, refusal
from tests.integration.execution.answering import Server, answering

ACCOUNT: dict[str, Any] = {"account_id": "acc1", "schedule": {"type": "immediate"}}
PLAIN: dict[str, Any] = {"url": f"{ADDRESS}/x", "body": {"a": 1}}
OAUTH2 = {"token_url": f"{ADDRESS}/token", "client_id": "me", "client_secret": "{{secret.TOKEN}}"}
ASKING: list[dict[str, Any]] = [
    {"url": f"{ADDRESS}/{{{{secret.TOKEN}}}}"},
    {**PLAIN, "headers": {"X-A": "a {{ secret.TOKEN }}"}},
    {**PLAIN, "body": [{"deep": "{{secret.TOKEN}}"}]},
    {**PLAIN, "oauth2": OAUTH2},
    {"url": "https://example.com", "client_certificate": "{{secret.TOKEN}}"},
]
MEMBERS = ["url", "headers", "body", "oauth2", "client_certificate"]


@pytest.fixture
def guarded(store: str) -> GivenSystem:
    return given_system(**SETTINGS, callback_networks_allowed="127.0.0.0/8")


@pytest.fixture
def receiver() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def app(client: Client, anna: Headers) -> str:
    return made_app(client, anna, MINE)


@pytest.fixture
def key(client: Client, anna: Headers, app: str) -> Headers:
    return made_key(client, anna, app, "read", "operate", "jobs", account_id="acc1")


def http_job(client: Client, who: Headers, data: dict[str, Any], **more: Any) -> Any:
    job = {**PRINTED, **ACCOUNT, "app_name": MINE, "task_type": "http", "data": data, **more}
    return client.simulate_post("/api/jobs/create", headers=who, json=job)


def path_of(job_id: Any) -> str:
    return f"/api/jobs/{job_id}"


@pytest.mark.parametrize(("data", "member"), list(zip(ASKING, MEMBERS, strict=True)))
def test_it_makes_no_job_that_asks_for_a_secret(
    client: Client, anna: Headers, key: Headers, data: dict[str, Any], member: str
) -> None:
    refused = http_job(client, key, data)
    assert refused.status_code == 400
    assert "is for the account 'acc1' alone" in refusal(refused)[f"data.{member}"]
    assert http_job(client, anna, data).status_code == 201
    assert http_job(client, made_key(client, anna, MINE, "jobs"), data).status_code == 201


def test_what_it_says_wrongly_of_signing_is_refused_as_from_anyone(client: Client, anna: Headers, key: Headers) -> None:
    for who in (key, anna):
        assert "data.signed" in refusal(http_job(client, who, {**PLAIN, "signed": "yes"}))


@pytest.mark.parametrize(("data", "member"), list(zip(ASKING, MEMBERS, strict=True)))
def test_it_makes_none_of_a_job_of_its_own(client: Client, key: Headers, data: dict[str, Any], member: str) -> None:
    job_id = http_job(client, key, PLAIN, schedule={"type": "cron", "expression": "0 0 1 1 *"}).json["id"]
    assert f"data.{member}" in refusal(client.simulate_patch(path_of(job_id), headers=key, json={"data": data}))
    triggered = client.simulate_post(f"{path_of(job_id)}/trigger", headers=key, json={"data": data})
    assert f"data.{member}" in refusal(triggered)
    callback = made_job(client, key, MINE, account_id="acc1", data=data)
    assert f"data.{member}" in refusal(
        client.simulate_patch(path_of(callback), headers=key, json={"task_type": "http"})
    )


def test_it_may_edit_what_else_there_is_of_a_job_that_a_developer_made(
    client: Client, anna: Headers, key: Headers
) -> None:
    job_id = http_job(client, anna, ASKING[2], schedule={"type": "cron", "expression": "0 0 1 1 *"}).json["id"]
    edited = client.simulate_patch(path_of(job_id), headers=key, json={"title": "Mine"})
    assert (edited.status_code, "signed" in edited.json["data"]) == (200, False)
    patch = {"data": {"url": "https://example.com/mine"}}
    assert "data.body" in refusal(client.simulate_patch(path_of(job_id), headers=key, json=patch))


def test_data_of_a_run_are_not_used_again_for_another_type_of_task(
    client: Client, guarded: GivenSystem, anna: Headers, key: Headers
) -> None:
    job_id = made_job(client, key, MINE, account_id="acc1", schedule={"type": "cron", "expression": "0 0 1 1 *"})
    client.simulate_post(f"{path_of(job_id)}/trigger", headers=key, json={"data": ASKING[2]})
    change = {"task_type": "http", "data": {**PLAIN, **dict.fromkeys(PRINTED["data"])}}
    live = client.simulate_patch(path_of(job_id), headers=key, json=change)
    assert (live.status_code, "has data of its own" in live.json["detail"]) == (409, True)
    record(guarded, claim_one(guarded), Failed(PermanentFailure("no")))
    assert client.simulate_patch(path_of(job_id), headers=key, json=change).status_code == 200
    [run] = runs_of(UUID(job_id))
    for who in (key, anna):
        refused = client.simulate_post(f"/api/runs/{run.id}/replay", headers=who)
        assert (refused.status_code, "given for the task_type" in refused.json["detail"]) == (409, True)
    assert client.simulate_post(f"/api/runs/{run.id}/replay", headers=anna, json={"data": PLAIN}).status_code == 201


def test_it_does_not_replay_data_that_ask_for_a_secret(
    client: Client, guarded: GivenSystem, anna: Headers, key: Headers
) -> None:
    job_id = http_job(client, anna, PLAIN, schedule={"type": "cron", "expression": "0 0 1 1 *"}).json["id"]
    client.simulate_post(f"{path_of(job_id)}/trigger", headers=anna, json={"data": ASKING[2]})
    record(guarded, claim_one(guarded), Failed(PermanentFailure("no")))
    [run] = runs_of(UUID(job_id))
    assert client.simulate_post(f"/api/runs/{run.id}/replay", headers=key).status_code == 409
    assert client.simulate_post(f"/api/runs/{run.id}/replay", headers=anna).status_code == 201


def test_what_it_has_sent_is_not_signed_by_the_app(
    client: Client, guarded: GivenSystem, anna: Headers, key: Headers, receiver: Server
) -> None:
    signed = {}
    for name, who in (("anna", anna), ("key", key)):
        made = http_job(client, who, {"url": receiver.url, "body": {"a": 1}})
        assert made.status_code == 201
        perform_call(guarded, claim_one(guarded), AbortScope())
        signed[name] = "webhook-signature" in receiver.got[-1][2]
    assert signed == {"anna": True, "key": False}
    assert client.simulate_get(path_of(made.json["id"]), headers=key).json["data"]["signed"] is False
    claimed = http_job(client, key, {**PLAIN, "signed": True})
    assert "not signed" in refusal(claimed)["data.signed"]


ELSEWHERE = [
    "https://mine.example.com/",
    f"{ADDRESS}0/",  # another port
    f"{ADDRESS.replace('http:', 'https:')}/",
    f"{ADDRESS}.mine.example.com/".replace(":9", ""),
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_it_has_no_callback_sent_elsewhere_than_to_the_apps_own_receiver(
    client: Client, anna: Headers, key: Headers, url: str
) -> None:
    job = {**PRINTED, **ACCOUNT, "app_name": MINE, "callback_url": url}
    refused = client.simulate_post("/api/jobs/create", headers=key, json=job)
    assert "is for the account 'acc1' alone" in refusal(refused)["callback_url"]
    own = made_job(client, key, MINE, account_id="acc1", callback_url=f"{ADDRESS}/other")
    edited = client.simulate_patch(path_of(own), headers=key, json={"callback_url": url})
    assert set(refusal(edited)) == {"callback_url"}
    http = http_job(client, key, PLAIN, callback_url=url)  # its type may change later
    assert set(refusal(http)) == {"callback_url"}
    for who in (anna, made_key(client, anna, MINE, "jobs")):
        assert client.simulate_post("/api/jobs/create", headers=who, json=job).status_code == 201


def test_it_edits_a_job_that_a_developer_has_called_elsewhere_but_does_not_go_back_to_that(
    client: Client, anna: Headers, key: Headers
) -> None:
    job_id = made_job(client, anna, MINE, account_id="acc1", callback_url=ELSEWHERE[0])
    assert client.simulate_patch(path_of(job_id), headers=key, json={"title": "Mine"}).status_code == 200
    assert client.simulate_patch(path_of(job_id), headers=key, json={"callback_url": None}).status_code == 200
    revert = f"{path_of(job_id)}/versions/1/revert"
    assert set(refusal(client.simulate_post(revert, headers=key))) == {"callback_url"}
    assert client.simulate_post(revert, headers=anna).status_code == 200


def test_of_an_app_without_a_receiver_it_has_none_called(client: Client, anna: Headers) -> None:
    client.simulate_post("/api/apps", headers=anna, json={"name": "bare"})
    key = made_key(client, anna, "bare", "jobs", account_id="acc1")
    job = {**PRINTED, **ACCOUNT, "app_name": "bare", "callback_url": ELSEWHERE[0]}
    assert set(refusal(client.simulate_post("/api/jobs/create", headers=key, json=job))) == {"callback_url"}
    many = client.simulate_post("/api/jobs/bulk", headers=key, json={"jobs": [job]})
    assert many.status_code in (200, 207, 400), many.text
    assert "callback_url" in many.text


def test_its_callbacks_to_the_apps_own_receiver_are_signed(
    client: Client, guarded: GivenSystem, anna: Headers, key: Headers, receiver: Server
) -> None:
    base = receiver.url.partition("/x")[0]
    client.simulate_patch(f"/api/apps/{MINE}", headers=anna, json={"callback_base_url": base})
    made_job(client, key, MINE, **ACCOUNT, callback_url=receiver.url)
    perform_call(guarded, claim_one(guarded), AbortScope())
    [(_, _, headers, _)] = receiver.got
    assert "webhook-signature" in headers
