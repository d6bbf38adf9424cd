"""Queues that RabbitMQ keeps from being used: found out, named, and well again once they are put right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import dramatiq
import pika
import pytest
import structlog
from dramatiq.errors import BrokerConnectionError, ConnectionClosed

from services.messaging import broker as brokers
from services.messaging.broker import BEATS, RUNS_HTTP, RabbitBroker
from services.messaging.broker_troubles import AWAY, REFUSED_USER, REFUSED_VHOST
from tests.integration.messaging.rights import USER, limited, manage
from tests.waiting import LONGEST, until

QUEUES = (RUNS_HTTP, BEATS)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing rests between two tries."""
    monkeypatch.setattr(brokers, "_REFUSED_REST_SECONDS", 0)
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)


@contextmanager
def connected(url: str) -> Iterator[RabbitBroker]:
    broker = RabbitBroker(url, "test", 20)
    try:
        yield broker
    finally:
        broker.close()


@contextmanager
def consuming(broker: RabbitBroker) -> Iterator[dramatiq.Worker]:
    """A worker that consumes the queues, as a worker process and a coordinator do."""
    for queue in QUEUES:
        broker.declare_queue(queue)
    worker = dramatiq.Worker(broker, queues=set(QUEUES), worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(timeout=LONGEST * 1000)


def declare(url: str, queue: str, *, durable: bool = True, exclusive: bool = False, **arguments: Any) -> Any:
    """Declare a queue in another way than Carillon does; the connection that did."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    connection.channel().queue_declare(queue, durable=durable, exclusive=exclusive, arguments=named)
    return connection


def delete(url: str, queue: str) -> None:
    with closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        connection.channel().queue_delete(queue)


def parts_of(broker: RabbitBroker) -> list[str]:
    return [one.part for one in broker.unusable(QUEUES)]


DECLARED_OTHERWISE: dict[str, tuple[str, dict[str, Any]]] = {
    "quorum": (RUNS_HTTP, {"x_queue_type": "quorum"}),
    "priorities": (RUNS_HTTP, {"x_max_priority": 10}),
    "not durable": (BEATS, {"durable": False}),
    "messages that expire": (BEATS, {"x_message_ttl": 1000}),
    "no dead letters": (f"{RUNS_HTTP}.DQ", {}),
    "dead letters that expire sooner": (f"{RUNS_HTTP}.XQ", {"x_message_ttl": 1000}),
    "another's alone": (RUNS_HTTP, {"durable": False, "exclusive": True}),
}


@pytest.mark.parametrize(("queue", "how"), DECLARED_OTHERWISE.values(), ids=DECLARED_OTHERWISE)
def test_a_queue_declared_otherwise_is_named_said_once_and_used_once_it_is_deleted(
    rabbitmq_url: str, queue: str, how: dict[str, Any]
) -> None:
    with (
        declare(rabbitmq_url, queue, **how) as wrong,
        connected(rabbitmq_url) as broker,
        connected(rabbitmq_url) as web,
        structlog.testing.capture_logs() as lines,
        consuming(broker) as worker,
    ):
        tried = Counted(broker)
        until(lambda: queue in parts_of(web), "the queue to be named")
        [trouble] = [one for one in web.unusable(QUEUES) if one.part == queue]
        assert queue in trouble.remedy
        until(lambda: tried.refusals > 3, "some tries")
        assert [one.part for one in broker.troubles.present()] == [queue]
        assert [line["part"] for line in lines if line["event"] == "trouble"] == [queue]
        wrong.close()
        delete(rabbitmq_url, queue)
        until(lambda: parts_of(web) == [], "all queues to be consumed")
        until(lambda: broker.troubles.present() == [], "the worker to say so")
        assert [line["part"] for line in lines if line["event"] == "trouble_over"] == [queue]
        assert worker.consumers


def test_a_queue_that_is_deleted_before_it_is_consumed_is_a_trouble_of_its_own_only_if_that_lasts(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(rabbitmq_url) as broker:
        with monkeypatch.context() as deleted:
            deleted.setattr(broker, "declare_queue", lambda *_, **__: None)
            for told in ([], [RUNS_HTTP]):
                consumer = broker.consume(RUNS_HTTP)
                with pytest.raises(BrokerConnectionError):
                    next(consumer)
                with suppress(ConnectionClosed):  # RabbitMQ has closed its channel
                    consumer.close()
                assert [one.part for one in broker.troubles.present()] == told
        with closing(broker.consume(RUNS_HTTP, timeout=1)) as consumer:
            assert next(consumer) is None
            assert broker.troubles.present() == []


class Counted:
    """Counts how often a queue was refused."""

    def __init__(self, broker: RabbitBroker) -> None:
        self.refusals = 0
        self._lost: Callable[[str, BaseException], Any] = broker.lost
        broker.lost = self._count  # type: ignore[method-assign]

    def _count(self, queue: str, error: BaseException) -> Any:
        self.refusals += 1
        return self._lost(queue, error)


@pytest.mark.parametrize(
    ("rights", "of_web", "of_worker"),
    [
        ({"configure": ""}, {*QUEUES}, {*QUEUES}),
        ({"read": ""}, {*QUEUES}, {*QUEUES}),
        ({"write": ""}, {*QUEUES, brokers.PUBLISHING}, {*QUEUES}),
        ({"configure": "^runs"}, {BEATS}, {BEATS}),
    ],
)
def test_missing_rights_are_told_of_and_found_out_when_they_are_given(
    rabbitmq_url: str, rights: dict[str, str], of_web: set[str], of_worker: set[str]
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(limited(rabbitmq_url, **rights))
        broker, web = stack.enter_context(connected(url)), stack.enter_context(connected(url))
        stack.enter_context(consuming(broker))
        until(lambda: set(parts_of(web)) == of_web, "the queues to be named")
        until(lambda: {one.part for one in broker.troubles.present()} == of_worker, "the worker to name them")
        assert all("permissions" in one.remedy for one in broker.troubles.present())
        manage("PUT", f"permissions{urlsplit(url).path}/{USER}", {"configure": ".*", "write": ".*", "read": ".*"})
        until(lambda: parts_of(web) == [] and broker.troubles.present() == [], "all to be well")


def test_queues_that_nobody_consumes_are_named_until_somebody_does(rabbitmq_url: str) -> None:
    with connected(rabbitmq_url) as web, connected(rabbitmq_url) as broker:
        assert parts_of(web) == [*QUEUES]
        assert [one.remedy.split(",")[0] for one in web.unusable(QUEUES)] == ["Start a worker", "Start a coordinator"]
        with consuming(broker):
            until(lambda: parts_of(web) == [], "the queues to be consumed")
        until(lambda: parts_of(web) == [*QUEUES], "the consumers to be gone")


def test_a_queue_that_is_deleted_while_it_is_consumed_is_declared_anew(rabbitmq_url: str) -> None:
    with connected(rabbitmq_url) as broker, consuming(broker), connected(rabbitmq_url) as web:
        until(lambda: web.unusable(QUEUES) == [], "the queues to be consumed")
        for queue in (RUNS_HTTP, f"{RUNS_HTTP}.DQ", BEATS):
            delete(rabbitmq_url, queue)
        with closing(pika.BlockingConnection(pika.URLParameters(rabbitmq_url))) as looking:
            until(lambda: consumers(looking, RUNS_HTTP) and consumers(looking, BEATS), "them to be consumed again")


def consumers(connection: Any, queue: str) -> int:
    channel = connection.channel()
    try:
        return int(channel.queue_declare(queue, passive=True).method.consumer_count)
    except pika.exceptions.ChannelClosedByBroker:
        return 0


def test_a_broker_that_is_away_or_refuses_us_is_one_trouble(rabbitmq_url: str) -> None:
    parts = urlsplit(rabbitmq_url)
    wrong = {
        AWAY: parts._replace(netloc="guest:guest@127.0.0.1:1"),
        REFUSED_USER: parts._replace(netloc=f"{USER}:wrong@{parts.hostname}:{parts.port}"),
        REFUSED_VHOST: parts._replace(path="/nowhere"),
    }
    for trouble, url in wrong.items():
        with connected(urlunsplit(url)) as broker, consuming(broker):
            assert broker.unusable(QUEUES) == [trouble]
            until(lambda broker=broker: broker.troubles.present(), "the worker to find out")  # type: ignore[misc]
            assert broker.troubles.present() == [trouble]
