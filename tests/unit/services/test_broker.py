"""The broker closes, whatever its threads are at."""

from __future__ import annotations

import pytest
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from services.messaging.broker import RabbitBroker


def test_a_connection_that_is_opened_meanwhile_does_not_keep_the_others_open(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def close(_broker: RabbitmqBroker) -> None:
        tries.append("closed")
        if len(tries) == 1:
            raise RuntimeError("Set changed size during iteration")

    monkeypatch.setattr(RabbitmqBroker, "close", close)
    RabbitBroker("amqp://127.0.0.1:1", "test").close()
    assert len(tries) == 2
