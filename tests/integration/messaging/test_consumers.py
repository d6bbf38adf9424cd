"""Consumers: they rest while nothing comes, and wake when a delayed message that they hold is due."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import Queue
from typing import Any

import dramatiq
import pytest
from dramatiq.common import current_millis, dq_name

from services.messaging.broker import RUNS_HTTP, Broker, InProcessBroker, RabbitBroker
from tests.waiting import LONGEST, until

DELAY, LATER = 200, 3_600_000  # milliseconds


@pytest.fixture(params=["in process", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    if request.param == "in process":
        yield InProcessBroker()
        return
    rabbit = RabbitBroker(request.getfixturevalue("rabbitmq_url"), "test")
    yield rabbit
    rabbit.close()


@pytest.fixture
def actor(broker: Broker) -> dramatiq.Actor[[], None]:
    @dramatiq.actor(broker=broker, queue_name=RUNS_HTTP)
    def nothing() -> None:
        """Nothing to do."""

    return nothing


def test_a_consumer_wakes_when_the_first_of_its_delayed_messages_is_due(
    broker: Broker, actor: dramatiq.Actor[[], None]
) -> None:
    for delay in (LATER, DELAY):
        actor.send_with_options(delay=delay)
    with closing(broker.consume(dq_name(RUNS_HTTP), prefetch=10, timeout=int(LONGEST * 1000))) as consumer:
        due = [next(consumer).options["eta"] for _ in range(2)]
        began = time.monotonic()
        assert next(consumer) is None
        assert time.monotonic() - began < LONGEST, "it rested to the end, as if nothing were due"
        assert current_millis() >= min(due), "it woke too early to pass anything on"


def test_a_consumer_rests_for_its_whole_time_once_what_was_due_is_passed_on(
    broker: Broker, actor: dramatiq.Actor[[], None]
) -> None:
    actor.send_with_options(delay=1)
    with closing(broker.consume(dq_name(RUNS_HTTP), prefetch=10, timeout=DELAY)) as consumer:
        while next(consumer) is None:
            pass
        assert next(consumer) is None, "it is due"
        began = time.monotonic()
        assert next(consumer) is None
        assert time.monotonic() - began >= DELAY / 1000 * 0.9, "it wakes again and again for what it has passed on"


def test_a_consumer_is_not_closed_while_its_thread_uses_the_connection(rabbitmq_url: str) -> None:
    broker = RabbitBroker(rabbitmq_url, "test")
    opened: Queue[Any] = Queue()

    @dramatiq.actor(broker=broker, queue_name=RUNS_HTTP)
    def nothing() -> None:
        """Nothing to do."""

    def consume() -> Any:
        opened.put(broker.consume(RUNS_HTTP, prefetch=1, timeout=int(LONGEST * 1000)))
        return next(opened.queue[0])

    with closing(broker), ThreadPoolExecutor(1) as pool:
        received = pool.submit(consume)
        until(lambda: not opened.empty(), "the consumer")
        opened.queue[0].close()
        sent = nothing.send()
        assert received.result(LONGEST).message_id == sent.message_id
