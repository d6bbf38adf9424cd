"""Whether Carillon is alive and ready, and the pages it shows."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from api.resources import health
from api.sites import COOKIE
from core.errors import DatabaseUnavailable
from core.signs_of_life import BEAT, TICK
from models import database, signals
from models.tables import db
from services.access import authentication
from services.runtime.troubles import Trouble
from tests.factories import NOON, given_system
from tests.integration.api.client import Broker, Client, served


def test_alive(client: Client) -> None:
    assert client.simulate_get("/healthz").json == {"status": "ok"}


@pytest.mark.parametrize("shown", [{"Authorization": "Token x"}, {"Cookie": f"{COOKIE}=x"}])
def test_alive_without_the_database_whoever_asks(
    client: Client, monkeypatch: pytest.MonkeyPatch, shown: dict[str, str]
) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(authentication, "of_token", away)
    assert client.simulate_get("/healthz", headers=shown).status_code == 200
    assert client.simulate_get("/api/jobs", headers=shown).status_code == 503


def test_ready_when_the_coordinator_ticks(client: Client) -> None:
    signals.mark(TICK, NOON - timedelta(seconds=4))
    result = client.simulate_get("/readyz")
    assert result.status_code == 200
    assert result.json == {
        "status": "ready",
        "database": True,
        "broker": True,
        "last_beat_age_seconds": None,
        "last_tick_age_seconds": 4,
        "troubles": [],
    }


def _no_tick(_broker: Broker) -> None:
    signals.mark(TICK, NOON - timedelta(seconds=11))


def _no_broker(broker: Broker) -> None:
    signals.mark(TICK, NOON)
    broker.is_up = False


def _no_consumer(broker: Broker) -> None:
    signals.mark(TICK, NOON)
    broker.troubles = [Trouble("runs.http", "No worker consumes the queue runs.http.", "Start a worker.")]


@pytest.mark.parametrize(
    ("harm", "part", "remedy"),
    [
        (_no_tick, "coordinator", "Start the process coordinator"),
        (_no_broker, "broker", "Start RabbitMQ"),
        (_no_consumer, "runs.http", "Start a worker"),
    ],
)
def test_degraded_while_something_keeps_jobs_from_running_which_is_named_with_a_remedy(
    client: Client, broker: Broker, harm: Callable[[Broker], None], part: str, remedy: str
) -> None:
    harm(broker)
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"]) == (200, "degraded")
    [trouble] = result.json["troubles"]
    assert trouble["part"] == part
    assert remedy in trouble["remedy"]


def test_unavailable_without_a_schema(client: Client) -> None:
    db.execute_sql("DROP TABLE signals")
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"]) == (503, "unavailable")
    assert [one["part"] for one in result.json["troubles"]] == ["database"]


@pytest.mark.parametrize(("age", "status"), [(149, "ready"), (151, "degraded")])
def test_beats_matter_where_there_is_a_periodic_process(sqlite: str, age: int, status: str) -> None:
    services = {"database_url": "postgresql://x/x", "rabbitmq_url": "amqp://x"}
    client = Client(served(given_system(**services)))
    signals.mark(TICK, NOON)
    signals.mark(BEAT, NOON - timedelta(seconds=age))
    assert client.simulate_get("/readyz").json["status"] == status


def test_unavailable_while_shutting_down(client: Client, broker: Broker) -> None:
    broker.shutting_down.set()
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"], result.json["database"]) == (503, "unavailable", True)


def test_unavailable_without_a_database(client: Client, tmp_path: Path) -> None:
    database.connect(f"sqlite:///{tmp_path}", "test")
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"], result.json["database"]) == (503, "unavailable", False)


def test_unavailable_when_the_database_does_not_answer_in_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answers_at_last = threading.Event()
    monkeypatch.setattr(health, "ANSWER_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr("services.reading.records.signals_seen", answers_at_last.wait)
    result = client.simulate_get("/readyz")
    answers_at_last.set()
    assert (result.status_code, result.json["database"]) == (503, False)


def test_the_front_door_and_the_pages_need_nothing_from_elsewhere(client: Client) -> None:
    assert client.simulate_get("/").json["documentation"] == "/swagger/"
    page = client.simulate_get("/swagger/")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text
    assert "<script>" not in page.text
    wanted = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(wanted) == 3
    for path in wanted:
        assert client.simulate_get(path).status_code == 200


def test_an_asset_is_held_once_however_many_read_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[str] = []
    read = Path.read_bytes

    def noted(file: Path) -> bytes:
        files.append(file.name)
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", noted)
    first, second = (client.simulate_get("/swagger/swagger_bundle.js").content for _ in range(2))
    assert first == second
    assert files == ["swagger_bundle.js"]
