"""What an operator sees on RabbitMQ's own pages: few queues, plain names, nothing left lying about."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from services.messaging import broker as brokers
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import IMMEDIATE
from tests.acceptance.journal import Answer, Call, Journal
from tests.acceptance.kept_services import KeptServices, kept_services
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.xdist_group("rabbitmq_pages")

QUEUES = {f"{queue}{suffix}" for queue in (*brokers.RUNS, "beats") for suffix in ("", ".DQ", ".XQ")}
PROCESSES = {"carillon web", "carillon worker", "carillon coordinator", "carillon periodic"}


class Pages:
    """The management API, for one virtual host."""

    def __init__(self, vhost: str) -> None:
        self._url = os.environ["TEST_RABBITMQ_MANAGEMENT_URL"]
        self._vhost = quote(vhost, safe="")

    def queues(self) -> dict[str, dict[str, Any]]:
        """Each queue by its name. The numbers are up to five seconds old."""
        return {queue["name"]: queue for queue in self._get(f"/api/queues/{self._vhost}")}

    def connection_names(self) -> list[str]:
        """What the connections call themselves."""
        connections = self._get(f"/api/vhosts/{self._vhost}/connections")
        return [connection["client_properties"].get("connection_name") for connection in connections]

    def messages(self) -> dict[str, int]:
        """How many messages each queue has, both ready and unacknowledged."""
        return {
            name: queue.get("messages_ready", 0) + queue.get("messages_unacknowledged", 0)
            for name, queue in self.queues().items()
        }

    def not_empty(self) -> dict[str, int]:
        """How many messages each queue has that has any."""
        return {name: count for name, count in self.messages().items() if count}

    def acknowledged(self, queue: str) -> int:
        """How many messages of a queue were ever acknowledged."""
        stats: Mapping[str, int] = self.queues().get(queue, {}).get("message_stats", {})
        return stats.get("ack", 0)

    def _get(self, path: str) -> Any:
        answer = requests.get(self._url + path, timeout=LONGEST)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, listening: Journal) -> Iterator[KeptServices]:
    """Services for these tests alone: others leave delayed messages in the broker."""
    with kept_services(tmp_path_factory.mktemp("kept"), QUICK, listening.url) as services:
        yield services


@pytest.fixture
def pages(kept: KeptServices) -> Pages:
    return Pages(urlsplit(kept.rabbitmq_url).path.removeprefix("/"))


def test_queues_and_connections_have_plain_names(services: KeptServices, journal: Journal, pages: Pages) -> None:
    until(lambda: set(pages.queues()) >= QUEUES, "every queue to be declared")
    until(lambda: set(pages.connection_names()) >= PROCESSES, "every process to be connected")
    journal.behave = lambda call: Answer(500 if call.attempt == 1 else 200, {"polling_state": {}, "done": True})
    services.create(IMMEDIATE, retry_backoff_base=0.1)
    services.create({"type": "polling", "interval_seconds": 1}, retry_backoff_base=0.1)
    until(lambda: services.count("completed") == 2, "both jobs to complete")
    until(lambda: set(pages.queues()) == QUEUES, "no other queue to be there")
    until(lambda: set(pages.connection_names()) == PROCESSES, "no other connection to be there")


def test_after_work_of_every_outcome_all_queues_are_empty(
    services: KeptServices, journal: Journal, pages: Pages
) -> None:
    journal.behave = _of_every_outcome
    before = pages.acknowledged("runs.http")
    for task_type in ("good", "hopeless", "second_try", "poll"):
        schedule = {"type": "polling", "interval_seconds": 0.2} if task_type == "poll" else IMMEDIATE
        services.create_many(25, schedule, task_type=task_type, retry_backoff_base=0.2)
    until(lambda: (services.count("completed"), services.count("failed")) == (75, 25), "all jobs to end")
    until(lambda: pages.acknowledged("runs.http") >= before + 100, "the pages to show the work")
    until(lambda: not pages.not_empty(), "every queue to be empty")
    assert set(pages.queues()) == QUEUES


def test_jobs_for_next_month_put_no_message_in_the_broker(
    services: KeptServices, journal: Journal, pages: Pages
) -> None:
    journal.behave = lambda call: Answer(500 if call.attempt == 1 else 200)
    next_month = datetime.now(UTC) + timedelta(days=30)
    services.create_many(100, {"type": "run_at", "timestamp": next_month.isoformat()})
    services.create_many(100, {"type": "delay_from_now", "duration_seconds": 30 * 86_400})
    services.create({"type": "cron", "expression": f"0 0 {next_month.day} {next_month.month} *"})
    # A retry in the window is a delayed message: once the pages show it, they show whatever came before.
    retried = services.create(IMMEDIATE, retry_backoff_base=25)
    until(lambda: services.count("pending") == 202, "those of next month, and the one that waits to be tried again")
    until(lambda: pages.not_empty() == {"runs.http.DQ": 1}, "the pages to show the delayed message alone")
    assert {call.job_id for call in journal.calls} == {retried}


def _of_every_outcome(call: Call) -> Answer:
    if call.task_type == "hopeless":
        return Answer(404)
    if call.task_type == "second_try" and call.attempt == 1:
        return Answer(503)
    return Answer(200, {"polling_state": {"seen": True}, "done": call.body.get("polling_state") == {"seen": True}})
