"""Limits by key over HTTP: put, shown with their use, deleted; what is wrong is refused and not stored."""

from __future__ import annotations

from typing import Any

import pytest

from core.scopes import Role
from models import database
from models.tables import HeldKey, Limit, Use
from tests.factories import GivenSystem, claim, given_system
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.api.people import HIDDEN, token_of

PRINTED = {"concurrency": 3, "rate": {"calls": 90, "per_seconds": 60}, "expires_at": "2026-11-20T13:00:00Z"}


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**SETTINGS)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system))


@pytest.fixture
def anna(client: Client) -> Headers:
    """The owner of one of two apps."""
    made_app(client, token_of(client, "berta"), THEIRS)
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    return anna


def put(client: Client, key: str, who: Headers, body: Any = PRINTED) -> Any:
    return client.simulate_put(f"/api/limits/{key}", headers=who, json=body)


def stored() -> int:
    with database.reading():
        return int(Limit.select().count())


def test_a_limit_is_put_shown_changed_listed_and_deleted(client: Client, anna: Headers) -> None:
    key = f"account:{MINE}/acc1"
    made = put(client, key, anna)
    assert made.status_code == 201
    assert made.json == {
        "key": key,
        "concurrency": 3,
        "rate": {"calls": 90, "per_seconds": 60},
        "weight": None,
        "weight_put_by": None,
        "expires_at": "2026-11-20T13:00:00Z",
        "is_default": False,
        "running": 0,
        "ended": 0,
        "room": 3,
        "next_room_at": None,
        "waiting": 0,
        "drained_in_seconds": None,
    }
    unused: dict[str, Any] = {"holders": [], "under_way": [], "still_counted": []}
    assert client.simulate_get(f"/api/limits/{key}", headers=anna).json == {**made.json, **unused}
    assert put(client, key, anna, {"concurrency": 1}).status_code == 200
    [listed] = client.simulate_get("/api/limits", headers=anna).json["results"]
    assert (listed["key"], listed["concurrency"], listed["rate"]) == (key, 1, None)
    assert client.simulate_delete(f"/api/limits/{key}", headers=anna).status_code == 204
    assert client.simulate_get(f"/api/limits/{key}", headers=anna).status_code == 404
    assert client.simulate_delete(f"/api/limits/{key}", headers=anna).status_code == 404


def test_its_use_and_what_waits_are_shown_and_when_there_is_room_again(
    client: Client, system: GivenSystem, anna: Headers
) -> None:
    put(client, f"app:{MINE}", anna, {"rate": {"calls": 1, "per_seconds": 60}})
    for _ in range(3):
        made_job(client, anna, MINE, schedule={"type": "immediate"})
    assert len(claim(system)) == 1
    shown = client.simulate_get(f"/api/limits/app:{MINE}", headers=anna).json
    assert (shown["running"], shown["room"], shown["waiting"]) == (1, 0, 2)
    assert shown["next_room_at"] == "2026-11-20T12:01:00Z"
    assert shown["drained_in_seconds"] == 120
    client.simulate_post(f"/api/apps/{MINE}/pause", headers=anna)
    paused = client.simulate_get(f"/api/limits/app:{MINE}", headers=anna).json
    assert (paused["waiting"], paused["drained_in_seconds"]) == (2, None), "a pause has no known end"
    runs = client.simulate_get("/api/runs", headers=anna).json["results"]
    assert {one["held_key"] for one in runs} == {f"app:{MINE}", None}


def test_no_end_is_told_for_the_limit_of_a_job_whose_app_is_paused(
    client: Client, system: GivenSystem, anna: Headers
) -> None:
    job_id = made_job(client, anna, MINE, overlap="allow")
    put(client, f"job:{job_id}", anna, {"rate": {"calls": 1, "per_seconds": 60}})
    for _ in range(3):
        assert client.simulate_post(f"/api/jobs/{job_id}/trigger", headers=anna).status_code == 201
    assert len(claim(system)) == 1

    def drained() -> Any:
        return client.simulate_get(f"/api/limits/job:{job_id}", headers=anna).json["drained_in_seconds"]

    assert drained() == 120
    client.simulate_post(f"/api/apps/{MINE}/pause", headers=anna)
    assert drained() is None


def test_a_weight_alone_limits_nothing_and_is_shown(client: Client, anna: Headers) -> None:
    made = put(client, f"account:{MINE}/acc1", anna, {"weight": 0.5})
    assert made.status_code == 201
    assert {name: made.json[name] for name in ("concurrency", "rate", "weight", "room")} == {
        "concurrency": None,
        "rate": None,
        "weight": 0.5,
        "room": None,
    }


def test_only_administrators_give_an_account_more_than_others_have(client: Client, anna: Headers) -> None:
    key = f"account:{MINE}/acc1"
    assert put(client, key, anna, {"weight": 2}).status_code == 403
    assert stored() == 0
    assert put(client, key, HIDDEN, {"weight": 2}).status_code == 201
    kept = put(client, key, anna, {"weight": 2, "concurrency": 1})
    assert (kept.status_code, kept.json["weight"]) == (200, 2)
    assert put(client, key, anna, {"weight": 2.5}).status_code == 403
    assert put(client, key, anna, {"concurrency": 3}).json["weight"] == 2, "without a weight, it stays"


def test_what_an_administrator_gives_an_account_less_its_owners_do_not_undo(
    client: Client, system: GivenSystem, anna: Headers
) -> None:
    key = f"account:{MINE}/acc1"
    root = token_of(client, "root")
    assert put(client, key, anna, {"weight": 0.5}).json["weight_put_by"] is None
    assert put(client, key, anna, {"weight": 1}).status_code == 200, "an owner undoes what an owner did"
    expires_at = "2026-11-20T13:00:00Z"
    assert put(client, key, root, {"weight": 0.2, "expires_at": expires_at}).json["weight_put_by"] == "root"
    for body, field in (
        ({"weight": 1}, "weight"),
        ({"weight": 0.1}, "weight"),
        ({"concurrency": 3, "expires_at": "2026-11-20T12:00:01Z"}, "expires_at"),
        ({"concurrency": 3, "expires_at": "2026-11-20T14:00:00Z"}, "expires_at"),
    ):
        refused = put(client, key, anna, body)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (403, field)
        assert "administrator root" in refused.json["detail"]
    assert client.simulate_delete(f"/api/limits/{key}", headers=anna).status_code == 403
    for body in ({"concurrency": 3, "expires_at": expires_at}, {"concurrency": 3}):
        beside = put(client, key, anna, body).json
        assert (beside["concurrency"], beside["weight"], beside["weight_put_by"]) == (3, 0.2, "root")
        assert beside["expires_at"] == expires_at, "the limit does not outlast the weight, nor the weight its end"
    system.clock.advance(3600)
    assert put(client, key, anna, {"weight": 1}).json["weight_put_by"] is None, "it is over"
    assert put(client, key, root, {"weight": 0.2}).status_code == 200
    assert put(client, key, root, {"weight": 3}).json["weight_put_by"] is None
    assert client.simulate_delete(f"/api/limits/{key}", headers=anna).status_code == 204


def test_what_an_administrator_gives_an_account_more_ends_when_they_said(client: Client, anna: Headers) -> None:
    key = f"account:{MINE}/acc1"
    until = "2026-11-20T13:00:00Z"
    put(client, key, token_of(client, "root"), {"weight": 2, "expires_at": until})
    assert put(client, key, anna, {"concurrency": 3}).json["expires_at"] == until
    later = put(client, key, anna, {"concurrency": 3, "expires_at": "2026-11-20T14:00:00Z"})
    assert (later.status_code, later.json["errors"][0]["field"]) == (403, "expires_at")
    sooner = "2026-11-20T12:30:00Z"
    assert put(client, key, anna, {"concurrency": 3, "expires_at": sooner}).json["expires_at"] == sooner
    assert put(client, key, anna, {"weight": 1}).json["expires_at"] is None


def test_a_weight_that_a_process_of_the_former_release_raised_is_its_owners(client: Client, anna: Headers) -> None:
    key = f"account:{MINE}/acc1"
    put(client, key, token_of(client, "root"), {"weight": 0.2, "concurrency": 2})
    with database.transaction():
        Limit.update(weight=1).execute()  # and leaves `weight_put_by`, which it does not know
    assert client.simulate_get(f"/api/limits/{key}", headers=anna).json["weight_put_by"] is None
    assert put(client, key, anna, {"weight": 0.5}).json["weight_put_by"] is None
    assert client.simulate_delete(f"/api/limits/{key}", headers=anna).status_code == 204


def test_the_list_comes_in_pages_by_key(client: Client, anna: Headers) -> None:
    for number in range(3):
        put(client, f"account:{MINE}/acc{number}", anna)
    first = client.simulate_get("/api/limits", headers=anna, params={"limit": "2"}).json
    rest = client.simulate_get(first["next"], headers=anna).json
    keys = [one["key"] for one in (*first["results"], *rest["results"])]
    assert keys == [f"account:{MINE}/acc{number}" for number in range(3)]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"concurrency": None}, "body"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": -1}, "concurrency"),
        ({"concurrency": "3"}, "concurrency"),
        ({"concurrency": 10**9}, "concurrency"),
        ({"rate": 90}, "rate"),
        ({"rate": {"calls": 0, "per_seconds": 60}}, "rate.calls"),
        ({"rate": {"calls": 90, "per_seconds": 0}}, "rate.per_seconds"),
        ({"rate": {"calls": 90, "per_seconds": 86_401}}, "rate.per_seconds"),
        ({"rate": {"calls": 90}}, "rate.per_seconds"),
        ({"rate": {"calls": 90, "per_seconds": 60, "cron": "* * * * *"}}, "rate.cron"),
        ({"concurrency": 1, "cron": "* * * * *"}, "cron"),
        ({"weight": 0}, "weight"),
        ({"weight": 101}, "weight"),
        ({"weight": 1}, "weight"),  # an app shares no workers, its accounts do
        ({"concurrency": 1, "expires_at": "2026-11-20T11:59:59Z"}, "expires_at"),
        ({"concurrency": 1, "expires_at": "soon"}, "expires_at"),
    ],
)
def test_what_cannot_be_a_limit_is_refused_by_its_field_and_not_stored(
    client: Client, anna: Headers, body: Any, field: str
) -> None:
    assert set(refusal(put(client, f"app:{MINE}", anna, body))) == {field}
    assert stored() == 0


@pytest.mark.parametrize(
    "key", ["team:mine", "mine", "account:mine", "host:https://a.example", "host:*.a.example", "job:1"]
)
def test_what_is_no_key_is_refused_with_what_is_one(client: Client, anna: Headers, key: str) -> None:
    for answer in (put(client, key, anna), client.simulate_get(f"/api/limits/{key}", headers=anna)):
        assert "account:shop/acc1" in refusal(answer)["key"] or "host:" in refusal(answer)["key"]
    assert stored() == 0


@pytest.mark.parametrize(
    "key", [f"app:{THEIRS}", f"account:{THEIRS}/acc1", f"key:{THEIRS}/x", "app:none", f"job:{NO_JOB}"]
)
def test_a_key_of_another_app_is_answered_as_one_that_is_not_there(client: Client, anna: Headers, key: str) -> None:
    assert put(client, key, anna).status_code == 404
    assert client.simulate_get(f"/api/limits/{key}", headers=anna).status_code == 404
    assert client.simulate_delete(f"/api/limits/{key}", headers=anna).status_code == 404
    assert stored() == 0


def test_hosts_and_the_installation_are_for_administrators(client: Client, anna: Headers) -> None:
    for key in ("installation", "host:api.example.com"):
        assert put(client, key, anna).status_code == 403
        assert put(client, key, HIDDEN).status_code == 201
        assert client.simulate_get(f"/api/limits/{key}", headers=anna).status_code == 403
    assert client.simulate_get("/api/limits", headers=anna).json["results"] == []
    assert len(client.simulate_get("/api/limits", headers=HIDDEN).json["results"]) == 2


def test_members_see_the_limits_of_their_app_and_owners_alone_change_them(client: Client, anna: Headers) -> None:
    viewer = joined(client, anna, MINE, "clara", Role.VIEWER)
    developer = joined(client, anna, MINE, "dora", Role.DEVELOPER)
    key = f"job:{made_job(client, anna, MINE)}"
    assert put(client, key, developer).status_code == 403
    assert put(client, key, anna).status_code == 201
    assert client.simulate_get(f"/api/limits/{key}", headers=viewer).status_code == 200
    assert client.simulate_delete(f"/api/limits/{key}", headers=viewer).status_code == 403


def test_a_key_for_one_account_sees_that_accounts_limit_alone(client: Client, anna: Headers) -> None:
    bound = made_key(client, anna, MINE, "read", "operate", account_id="acc1")
    for key in (f"account:{MINE}/acc1", f"account:{MINE}/acc2", f"app:{MINE}"):
        put(client, key, anna)
    [shown] = client.simulate_get("/api/limits", headers=bound).json["results"]
    assert shown["key"] == f"account:{MINE}/acc1"
    assert client.simulate_get(f"/api/limits/account:{MINE}/acc2", headers=bound).status_code == 404
    assert put(client, f"account:{MINE}/acc1", bound).status_code == 403


def test_an_app_is_found_however_its_name_is_spelled_and_has_one_limit(client: Client, anna: Headers) -> None:
    put(client, f"app:{MINE}", anna)
    assert put(client, f"app:{MINE.upper()}", anna).status_code == 200
    assert stored() == 1


def test_the_limits_of_an_app_go_with_it(client: Client, anna: Headers) -> None:
    put(client, f"account:{MINE}/acc1", anna)
    client.simulate_delete(f"/api/apps/{MINE}", headers=anna)
    with database.reading():
        assert [table.select().count() for table in (Limit, HeldKey, Use)] == [0, 0, 0]


@pytest.mark.parametrize("template", ["{{data.x", "{{secret.KEY}}", "{data.x}", "{{run.id}}", " x", ""])
def test_a_key_of_data_that_cannot_be_filled_is_refused(client: Client, anna: Headers, template: str) -> None:
    body = {"task_types": {"greet": {"limit_key": template}}}
    assert set(refusal(client.simulate_patch(f"/api/apps/{MINE}", headers=anna, json=body))) == {
        "task_types.greet.limit_key"
    }


def test_a_key_of_data_is_kept_with_its_task_type(client: Client, anna: Headers) -> None:
    body = {"task_types": {"greet": {"limit_key": "orders-{{data.customer.id}}"}}}
    shown = client.simulate_patch(f"/api/apps/{MINE}", headers=anna, json=body).json
    assert shown["task_types"]["greet"]["limit_key"] == "orders-{{data.customer.id}}"
