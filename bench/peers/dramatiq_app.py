"""Dramatiq on RabbitMQ with its own defaults; nothing is stored about a job."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from bench.peers import surroundings

QUEUE = "noop"
broker = RabbitmqBroker(url=surroundings.rabbitmq_url())
dramatiq.set_broker(broker)


def _noop(_number: int) -> None:
    surroundings.mark()


noop = dramatiq.actor(actor_name="noop", queue_name=QUEUE)(_noop)


def fill(jobs: int) -> None:
    """Send so many messages."""
    for number in range(jobs):
        noop.send(number)
