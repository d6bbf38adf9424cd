"""Queues that a cluster of RabbitMQ keeps on several nodes, declared so by a setting."""

from __future__ import annotations

import threading
from urllib.parse import quote, urlsplit

import dramatiq
import requests

from services.messaging.broker import RUNS_HTTP, RabbitBroker
from tests.servers import needed
from tests.waiting import LONGEST, until

OF_ONE = {RUNS_HTTP, f"{RUNS_HTTP}.DQ", f"{RUNS_HTTP}.XQ"}


def types(url: str) -> dict[str, str]:
    """The type of each queue of a virtual host."""
    vhost = quote(urlsplit(url).path.removeprefix("/"), safe="")
    answer = requests.get(f"{needed('TEST_RABBITMQ_MANAGEMENT_URL')}/api/queues/{vhost}", timeout=LONGEST)
    return {queue["name"]: queue["type"] for queue in answer.json()}


def test_all_of_a_queue_is_replicated_and_rings_come_at_once_and_later(rabbitmq_url: str) -> None:
    broker = RabbitBroker(rabbitmq_url, "test", 20, queue_type="quorum")
    came: dict[str, threading.Event] = {"at once": threading.Event(), "later": threading.Event()}

    @dramatiq.actor(broker=broker, queue_name=RUNS_HTTP)
    def note(which: str) -> None:
        came[which].set()

    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        note.send("at once")
        note.send_with_options(args=("later",), delay=100)
        assert all(event.wait(LONGEST) for event in came.values())
        until(lambda: types(rabbitmq_url) == dict.fromkeys(OF_ONE, "quorum"), "every queue to be of the type")
        until(lambda: broker.unusable([RUNS_HTTP]) == [], "the queue to be consumed")
    finally:
        worker.stop(timeout=LONGEST * 1000)
        broker.close()


def test_a_queue_of_the_former_type_is_named_with_its_remedy(rabbitmq_url: str) -> None:
    former = RabbitBroker(rabbitmq_url, "test", 20)
    former.declare_queue(RUNS_HTTP, ensure=True)
    former.close()
    broker = RabbitBroker(rabbitmq_url, "test", 20, queue_type="quorum")
    [trouble] = broker.unusable([RUNS_HTTP])
    assert trouble.remedy.startswith(f"Delete the queue {RUNS_HTTP}")
    broker.close()
