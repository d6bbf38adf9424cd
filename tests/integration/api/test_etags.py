"""ETag and If-Match of apps, limits, quotas and senders: who changes what another has changed since is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from core import etags
from core.errors import PreconditionFailed
from core.limits import Limit
from core.principals import LOCAL
from core.quotas import Quotas
from models.tables import db
from services.apps import app_senders, apps, quotas
from services.execution import limit_changes
from services.reading import limits
from services.system import System
from tests.factories import GivenSystem, given_system, in_threads
from tests.integration.api.client import Client, served

ONE, OTHER = "https://one.example.com", "https://other.example.com"
APP = "/api/apps/shop"
LIMIT = "/api/limits/app:shop"
KEY = "app:shop"
OF_ACCOUNT = "account:shop/acc1"
NO_TAG = '"00000000000000000000000000000000"'


@dataclass(frozen=True)
class Thing:
    """What is read and changed at a path, and two bodies that differ."""

    path: str
    one: dict[str, Any]
    other: dict[str, Any]


THINGS = {
    "app": Thing(APP, {"callback_base_url": ONE}, {"callback_base_url": OTHER}),
    "limit": Thing(LIMIT, {"concurrency": 1}, {"rate": {"calls": 90, "per_seconds": 60}}),
    "quotas": Thing(f"{APP}/quotas", {"jobs": 1}, {"jobs": 2}),
    "senders": Thing(f"{APP}/senders", {"senders": ["@one.example.com"]}, {"senders": ["@other.example.com"]}),
}
DELETED = ["app", "limit"]


@pytest.fixture
def client(system: GivenSystem) -> Client:
    client = Client(served(system))
    for thing in THINGS.values():
        put(client, thing)
    return client


def put(client: Client, thing: Thing, body: dict[str, Any] | None = None, if_match: str | None = None) -> Any:
    headers = {} if if_match is None else {"If-Match": if_match}
    return client.simulate_put(thing.path, json=thing.one if body is None else body, headers=headers)


def etag(client: Client, path: str) -> str:
    return str(client.simulate_get(path).headers["ETag"])


def definition(client: Client, thing: Thing) -> Any:
    shown = client.simulate_get(thing.path).json
    shown = shown.get("quotas", shown)
    return {name: shown[name] for name in {**thing.one, **thing.other}}


@pytest.fixture(params=THINGS)
def thing(request: pytest.FixtureRequest) -> Thing:
    return THINGS[request.param]


def test_a_change_answers_with_the_etag_that_is_shown_from_then_on(client: Client, thing: Thing) -> None:
    first = etag(client, thing.path)
    second = put(client, thing, thing.other).headers["ETag"]
    assert etag(client, thing.path) == second != first
    assert put(client, thing, thing.other).headers["ETag"] == second, "nothing has changed"
    assert put(client, thing).headers["ETag"] == first, "it is what it was"


def test_of_two_who_change_what_both_have_read_the_later_is_refused(client: Client, thing: Thing) -> None:
    read = etag(client, thing.path)
    assert put(client, thing, thing.other, if_match=read).status_code == 200
    before = definition(client, thing)
    refused = put(client, thing, if_match=read)
    assert (refused.status_code, refused.json["type"]) == (412, "/problems/precondition-failed")
    assert "Read it again" in refused.json["detail"]
    assert definition(client, thing) == before


@pytest.mark.parametrize("named", ["{}", "*", '"7", {}'])
def test_a_change_is_made_if_one_of_the_etags_fits(client: Client, thing: Thing, named: str) -> None:
    wanted = named.format(etag(client, thing.path))
    assert put(client, thing, thing.other, if_match=wanted).status_code == 200


@pytest.mark.parametrize("named", [NO_TAG, "W/{}", '"1"'])
def test_a_change_is_refused_if_none_of_the_etags_fits(client: Client, thing: Thing, named: str) -> None:
    wanted = named.format(etag(client, thing.path))
    assert put(client, thing, thing.other, if_match=wanted).status_code == 412
    assert etag(client, thing.path) == put(client, thing).headers["ETag"]


def test_without_if_match_the_last_write_wins(client: Client, thing: Thing) -> None:
    assert [put(client, thing, body).status_code for body in (thing.other, thing.one)] == [200, 200]


@pytest.mark.parametrize("of", DELETED)
def test_what_another_has_changed_is_not_deleted(client: Client, of: str) -> None:
    read = etag(client, THINGS[of].path)
    put(client, THINGS[of], THINGS[of].other)
    assert client.simulate_delete(THINGS[of].path, headers={"If-Match": read}).status_code == 412
    read = etag(client, THINGS[of].path)
    assert client.simulate_delete(THINGS[of].path, headers={"If-Match": read}).status_code == 204


def test_a_patch_of_an_app_heeds_if_match(client: Client) -> None:
    read = etag(client, APP)
    patched = client.simulate_patch(APP, json={"callback_base_url": OTHER}, headers={"If-Match": read})
    assert (patched.status_code, patched.headers["ETag"]) == (200, etag(client, APP))
    late = client.simulate_patch(APP, json={"destination_breaker": True}, headers={"If-Match": read})
    assert (late.status_code, client.simulate_get(APP).json["destination_breaker"]) == (412, None)


@pytest.mark.parametrize("named", ["*", NO_TAG])
@pytest.mark.parametrize("path", ["/api/apps/other", "/api/limits/app:default"])
def test_what_does_not_exist_is_not_made_for_who_wants_to_change_it(client: Client, path: str, named: str) -> None:
    client.simulate_put("/api/apps/default", json={})
    body = {"concurrency": 1} if "limits" in path else {}
    assert client.simulate_put(path, json=body, headers={"If-Match": named}).status_code == 412
    assert client.simulate_get(path).status_code == 404


def test_a_pause_leaves_the_etag_of_an_app_as_it_is(client: Client) -> None:
    read = etag(client, APP)
    client.simulate_post(f"{APP}/pause")
    assert etag(client, APP) == read


def test_a_task_type_changes_the_etag_of_its_app(client: Client) -> None:
    read = etag(client, APP)
    client.simulate_patch(APP, json={"task_types": {"send": {"max_retries": 1}}})
    assert etag(client, APP) != read


def test_an_app_that_is_made_again_has_another_etag(client: Client) -> None:
    read = etag(client, APP)
    client.simulate_delete(APP)
    put(client, THINGS["app"])
    assert etag(client, APP) != read


def test_an_account_that_a_setting_limits_can_be_given_its_own_limit_by_what_is_shown(sqlite: str) -> None:
    client = Client(served(given_system(account_rate="90/60")))
    client.simulate_put(APP, json={})
    path = f"/api/limits/{OF_ACCOUNT}"
    read = etag(client, path)
    own = {"rate": {"calls": 90, "per_seconds": 60}}
    made = client.simulate_put(path, json=own, headers={"If-Match": read})
    assert (made.status_code, made.json["is_default"]) == (201, False)
    assert made.headers["ETag"] != read, "its own limit stays when the setting changes"


Change = Callable[[System, int, str], object]


def of_app(system: System, number: int, read: str) -> object:
    return apps.put(LOCAL, system, "shop", f"https://{number}.example.com", {}, expected={read})


def of_limit(system: System, number: int, read: str) -> object:
    return limit_changes.put(LOCAL, system, KEY, Limit(number + 10), {read})


def of_quotas(system: System, number: int, read: str) -> object:
    return quotas.put(LOCAL, system, "shop", Quotas(jobs=number + 10), {read})


def of_senders(system: System, number: int, read: str) -> object:
    return app_senders.put(LOCAL, system, "shop", [f"@{number}.example.com"], {read})


def etags_of(system: System) -> dict[Change, str]:
    return {
        of_app: apps.get(LOCAL, "shop").etag,
        of_limit: limits.get(LOCAL, system, KEY).etag,
        of_quotas: quotas.get(LOCAL, "shop").etag,
        of_senders: app_senders.etag(app_senders.listed(LOCAL, "shop")),
    }


@pytest.mark.parametrize("change", [of_app, of_limit, of_quotas, of_senders])
def test_of_many_who_change_at_once_what_all_have_read_one_does(store: str, change: Change) -> None:
    system = given_system()
    apps.put(LOCAL, system, "shop", None, {})
    limit_changes.put(LOCAL, system, KEY, Limit(1))
    read = etags_of(system)[change]

    def attempt(number: int) -> bool:
        try:
            change(system, number, read)
        except PreconditionFailed:
            return False
        return True

    assert sum(in_threads(4, attempt)) == 1


def test_nothing_is_expected_of_what_nobody_has_read() -> None:
    etags.expect("app shop", None, None)
    etags.expect("app shop", "a", None)


def test_senders_have_one_order_whatever_that_of_the_database_is(postgresql: str) -> None:
    """Many installations sort as a language does, `a@` before `a1@`; that of the tests sorts as Python does."""
    system = given_system()
    apps.put(LOCAL, system, "shop", None, {})
    with db.atomic() as transaction:
        db.execute_sql('ALTER TABLE app_senders ALTER COLUMN sender TYPE text COLLATE "en-x-icu"')
        put = app_senders.put(LOCAL, system, "shop", ["a@example.com", "a1@example.com"])
        assert app_senders.listed(LOCAL, "shop") == put
        transaction.rollback()
