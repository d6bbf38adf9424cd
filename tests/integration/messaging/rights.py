"""Users of RabbitMQ who lack rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import requests

from tests.servers import needed
from tests.waiting import LONGEST

USER = f"carillon-test-{uuid4().hex[:12]}"  # RabbitMQ's users are shared by all test processes


def manage(method: str, path: str, body: object = None) -> None:
    answer = requests.request(
        method, f"{needed('TEST_RABBITMQ_MANAGEMENT_URL')}/api/{path}", json=body, timeout=LONGEST
    )
    answer.raise_for_status()


@contextmanager
def limited(url: str, **rights: str) -> Iterator[str]:
    """The URL of a user who has all rights but these."""
    parts = urlsplit(url)
    manage("PUT", f"users/{USER}", {"password": "secret", "tags": ""})
    manage("PUT", f"permissions{parts.path}/{USER}", {"configure": ".*", "write": ".*", "read": ".*", **rights})
    yield urlunsplit(parts._replace(netloc=f"{USER}:secret@{parts.hostname}:{parts.port}"))
    manage("DELETE", f"users/{USER}")
