"""A database that takes no writes: requests are answered with what is wrong, and taken again once that is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.signs_of_life import TICK
from models import database, driver_errors, signals
from models.tables import db
from services.runtime import database_troubles
from services.runtime.database_troubles import MetFaults
from services.runtime.troubles import Troubles
from tests.factories import NOON, given_system
from tests.figures import figures
from tests.integration.api.client import PRINTED, Broker, Client, served


@pytest.fixture
def troubles(monkeypatch: pytest.MonkeyPatch) -> Troubles:
    """The troubles of this test's own process."""
    made = Troubles()
    monkeypatch.setattr(database_troubles, "met", MetFaults(made))
    return made


@contextmanager
def full_disk() -> Iterator[None]:
    """PostgreSQL finds no room for another job in this block."""
    db.execute_sql(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file \"base/5/16384\"' USING ERRCODE = 'disk_full'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        yield
    finally:
        db.execute_sql("DROP FUNCTION IF EXISTS refuse CASCADE")


def test_a_full_disk_is_named_to_callers_and_by_readyz_and_metrics_until_it_is_over(
    postgresql: str, troubles: Troubles
) -> None:
    broker = Broker()
    client = Client(served(given_system(), broker))
    signals.mark(TICK, NOON)
    with full_disk():
        refused = client.simulate_post("/api/jobs/create", json=PRINTED)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
        assert "disk of the database is full" in refused.json["detail"]
        assert "base/5" not in refused.text, "what the database says is for the log"
        broker.troubles = troubles.present()
        found = client.simulate_get("/readyz").json
        assert (found["status"], found["database"]) == ("degraded", True), "it can still be read"
        assert [(one["part"], one["fault"]) for one in found["troubles"]] == [("database", "disk_full")]
        page = figures(client.simulate_get("/metrics").text)
        assert page["carillon_database_fault", ("disk_full",)] == 1
    client.create()
    for _ in range(2):
        database_troubles.met.look()
    assert troubles.present() == []


def test_a_read_that_finds_no_connection_is_named_too(
    client: Client, troubles: Troubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_read", _no_connection)
    monkeypatch.setattr(database, "_opened", _no_connection)
    answer = client.simulate_get("/api/jobs")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "no more connections" in answer.json["detail"]
    assert database_troubles.names_of(troubles.present()) == ["too_many_connections"]
    found = client.simulate_get("/readyz")
    assert (found.status_code, found.json["troubles"][0]["fault"]) == (503, "too_many_connections")


def _no_connection(*_: object) -> None:
    raise driver_errors.AWAY[0]("FATAL:  sorry, too many clients already")
