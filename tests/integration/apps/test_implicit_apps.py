"""Apps that are made by the first job that names them are on record as those that somebody creates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.errors import InvalidInput
from core.principals import LOCAL
from models import database
from models.tables import App, AuditEntry
from services.jobs import creating
from tests.factories import NOON, GivenSystem, create_jobs, given_system, new_job
from tests.integration.api.client import Client, served
from tests.integration.api.scheduler_jobs import create

PASSED = NOON - timedelta(hours=1)


@pytest.fixture(name="stored")
def system_on_each(store: str) -> GivenSystem:
    return given_system()


def made_on_record() -> list[tuple[str, str, Any]]:
    with database.reading():
        found = AuditEntry.select().where(AuditEntry.action == "app.created").order_by(AuditEntry.id)
        return [(one.thing_id, one.kind, one.app_id) for one in found]


def id_of(name: str) -> Any:
    with database.reading():
        return App.get(App.name == name).id


def test_the_first_job_of_an_app_makes_it_and_that_is_on_record_once(stored: GivenSystem) -> None:
    for _ in range(2):
        creating.create(LOCAL, stored, new_job(app_name="shop"))
    creating.create(LOCAL, stored, new_job(app_name="SHOP"))
    assert made_on_record() == [("shop", "local", id_of("shop"))]


def test_of_many_jobs_those_that_are_made_make_their_apps(stored: GivenSystem) -> None:
    wanted = [
        new_job(app_name="b"),
        new_job(app_name="a"),
        new_job(app_name="c", deadline_at=PASSED),
    ]
    create_jobs(stored, wanted, all_or_none=False)
    assert made_on_record() == [("a", "local", id_of("a")), ("b", "local", id_of("b"))]


def test_what_is_not_created_leaves_no_record(stored: GivenSystem) -> None:
    wanted = [new_job(app_name="a"), new_job(app_name="b", deadline_at=PASSED)]
    with pytest.raises(InvalidInput):
        create_jobs(stored, wanted, all_or_none=True)
    assert made_on_record() == []


def test_the_log_tells_from_where(sqlite: str) -> None:
    client = Client(served(given_system()))
    client.create(app_name="shop")
    [entry] = client.simulate_get("/api/audit", params={"app_name": "shop"}).json["results"]
    told = {name: entry[name] for name in ("action", "kind", "thing_id", "address", "after")}
    assert told == {
        "action": "app.created",
        "kind": "local",
        "thing_id": "shop",
        "address": "127.0.0.1",
        "after": {"callback_base_url": None, "task_types": {}, "destination_breaker": None},
    }


def test_a_built_in_app_is_on_record_too(sqlite: str) -> None:
    client = Client(served(given_system(internal_secret="s")), headers={"X-Internal-Secret": "s"})  # noqa: S106
    for name in ("first", "second"):
        create(client, name=name)
    assert [(thing, kind) for thing, kind, _ in made_on_record()] == [("scheduler", "operator")]
