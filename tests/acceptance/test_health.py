"""Health tells the truth: what keeps jobs from running is named with its remedy, said once, and over by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pika
import pytest
import requests

from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import Installation
from tests.acceptance.journal import Journal
from tests.figures import Figures, figures
from tests.waiting import LONGEST, until

# Whatever keeps it from being used: who declared it, and how.
WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "a quorum queue": ("runs.http", {"durable": True, "arguments": {"x-queue-type": "quorum"}}),
    "a queue that does not last": ("runs.http.DQ", {"durable": False}),
}


class Health:
    """A web process and a worker, and what they tell of their health."""

    def __init__(self, web: Installation, worker: Installation) -> None:
        self.web = web
        self.worker = worker

    def metrics_of_worker(self) -> Figures:
        return figures(requests.get(f"{self.worker.url}/metrics", timeout=LONGEST).text)

    def logged_by_worker(self, event: str, part: str) -> list[dict[str, Any]]:
        """What the worker logged of a part under this event."""
        told = [line.partition("| ") for line in self.worker.log.read_text().splitlines()]
        lines = [json.loads(text) for name, _, text in told if name.strip() == "worker" and text.startswith("{")]
        return [line for line in lines if (line["event"], line.get("part")) == (event, part)]


@pytest.fixture
def health(
    tmp_path_factory: pytest.TempPathFactory, postgresql: str, rabbitmq_url: str, journal: Journal
) -> Iterator[Health]:
    environment = {
        **QUICK,
        "LOG_LEVEL": "INFO",
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "CALLBACK_BASE_URL": journal.url,
    }
    with (
        Installation(tmp_path_factory.mktemp("web"), {"web": 1}, environment) as web,
        Installation(tmp_path_factory.mktemp("worker"), {"worker": 1}, environment) as worker,
    ):
        yield Health(web, worker)


def named(told: dict[str, Any], part: str) -> list[str]:
    """The remedies for a part, as far as it is said to be in trouble."""
    return [trouble["remedy"] for trouble in told["troubles"] if trouble["part"] == part]


@pytest.fixture(params=WRONG.values(), ids=list(WRONG))
def wrong(request: pytest.FixtureRequest, rabbitmq_url: str) -> str:
    """The name of a queue that somebody has declared otherwise than Carillon does."""
    queue: str = request.param[0]
    with closing(pika.BlockingConnection(pika.URLParameters(rabbitmq_url))) as connection:
        connection.channel().queue_declare(queue, **request.param[1])
    return queue


def test_a_queue_declared_otherwise_is_told_of_until_it_is_put_right(
    wrong: str, health: Health, rabbitmq_url: str
) -> None:
    until(lambda: named(health.web.readiness(), wrong), "the web process to name the queue")
    until(lambda: named(health.worker.readiness(), wrong), "the worker to name the queue")
    for told in (health.web.readiness(), health.worker.readiness()):
        assert told["status"] == "degraded"
        assert [f"Delete the queue {wrong}" in remedy for remedy in named(told, wrong)] == [True]
    shown = health.metrics_of_worker()
    assert shown["carillon_trouble", (wrong,)] == 1
    assert shown["carillon_pool_threads", ("runs",)] > shown["carillon_pool_calls", ("runs",)] == 0
    job_id = health.web.create({"type": "immediate"})
    with closing(pika.BlockingConnection(pika.URLParameters(rabbitmq_url))) as connection:
        connection.channel().queue_delete(wrong)
    until(lambda: health.worker.readiness()["status"] == "ready", "the worker to be ready")
    until(lambda: not named(health.web.readiness(), wrong), "the web process to see it")
    until(lambda: health.logged_by_worker("trouble_over", wrong), "the worker to say that it is over")
    [said] = health.logged_by_worker("trouble", wrong)
    assert said["level"] == "warning"
    assert said["remedy"].startswith(f"Delete the queue {wrong}")
    assert len(health.logged_by_worker("trouble_over", wrong)) == 1
    assert health.web.get(f"/api/jobs/{job_id}")["status"] in {"queued", "running", "completed"}


def test_a_worker_that_is_gone_is_told_of(tmp_path: Path, postgresql: str, rabbitmq_url: str) -> None:
    environment = {**QUICK, "DATABASE_URL": postgresql, "RABBITMQ_URL": rabbitmq_url}
    with Installation(tmp_path, {"web": 1}, environment) as carillon:
        until(lambda: named(carillon.readiness(), "runs.http"), "the queue without a worker to be named")
        told = carillon.readiness()
        assert told["status"] == "degraded"
        assert "Start a worker" in named(told, "runs.http")[0]
        assert "Start a coordinator" in named(told, "beats")[0]
        assert named(told, "coordinator")
        assert named(told, "periodic")
