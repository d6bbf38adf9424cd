"""The broker closes, whatever its threads are at."""

from __future__ import annotations

from typing import Any

from services.messaging.broker import RabbitBroker


class Connection:
    """A connection of a broker; while it closes, a thread opens another, if one is given."""

    def __init__(self, connections: set[Any], opened_meanwhile: Connection | None = None) -> None:
        self._connections = connections
        self._opened_meanwhile = opened_meanwhile
        self.is_open = True

    def close(self) -> None:
        self.is_open = False
        if self._opened_meanwhile is not None:
            self._connections.add(self._opened_meanwhile)


def test_a_connection_that_is_opened_meanwhile_is_closed_like_the_others() -> None:
    broker = RabbitBroker("amqp://127.0.0.1:1", "test")
    late = Connection(broker.connections)
    opened = [Connection(broker.connections, late), Connection(broker.connections)]
    broker.connections.update(opened)
    broker.close()
    assert [one.is_open for one in (*opened, late)] == [False, False, False]
