"""The queues of the workers, as RabbitMQ shows them."""

from __future__ import annotations

from urllib.parse import quote

import pika
import pika.exceptions
import requests

from local.rabbitmq import PrivateRabbit
from tests.waiting import LONGEST

QUEUES = ("runs.http", "runs.http.DQ")


def delete_queues(rabbit: PrivateRabbit) -> None:
    for name in QUEUES:
        address = f"{rabbit.management_url}/api/queues/{quote('/', safe='')}/{name}"
        assert requests.delete(address, timeout=LONGEST).status_code in (204, 404)


def consumers(rabbit: PrivateRabbit) -> int:
    """How many workers listen for rings; none where there is no queue."""
    connection = pika.BlockingConnection(pika.URLParameters(rabbit.url))
    try:
        return int(connection.channel().queue_declare(QUEUES[0], passive=True).method.consumer_count)
    except pika.exceptions.ChannelClosedByBroker:
        return 0
    finally:
        connection.close()
