"""A user of RabbitMQ with no more rights than docs/operations.md asks for can do all that Carillon does there."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import dramatiq
import pytest

from services.messaging.broker import BEATS, CLASSIC, RUNS, RabbitBroker
from tests.integration.messaging.rights import limited
from tests.waiting import LONGEST, until

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def documented_rights() -> dict[str, str]:
    """What the command in the documentation gives, by right."""
    [command] = re.findall(r"^rabbitmqctl set_permissions .*$", OPERATIONS.read_text(), re.MULTILINE)
    configure, write, read = re.findall(r"'([^']+)'", command)
    return {"configure": configure, "write": write, "read": read}


@pytest.mark.parametrize("queue_type", [CLASSIC, "quorum"])
def test_the_rights_in_the_documentation_are_enough(rabbitmq_url: str, queue_type: str) -> None:
    came = threading.Event()
    with limited(rabbitmq_url, **documented_rights()) as url:
        broker = RabbitBroker(url, "test", 20, queue_type=queue_type)
        for queue in RUNS:
            broker.declare_queue(queue, ensure=True)

        @dramatiq.actor(broker=broker, queue_name=BEATS)
        def note() -> None:
            came.set()

        worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
        worker.start()
        try:
            note.send_with_options(delay=50)
            assert came.wait(LONGEST)
            until(lambda: broker.unusable([*RUNS, BEATS]) == [], "every queue to be consumed")
        finally:
            worker.stop(timeout=LONGEST * 1000)
            broker.close()
