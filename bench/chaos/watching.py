"""Samples of what the processes use, and of what is left in the queues."""

from __future__ import annotations

import contextlib
import threading
from typing import Self

import psycopg2
import requests

from bench import processor_time
from bench.chaos.journal import Journal, Sample
from bench.chaos.stack import PROCESSES, Stack

_EVERY_SECONDS = 2.0
_CONNECTIONS = """
    SELECT application_name, count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'carillon %%' GROUP BY 1
"""


class Watcher:
    """Samples memory and connections until the block ends."""

    def __init__(self, stack: Stack, journal: Journal) -> None:
        self._stack = stack
        self._journal = journal
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(_EVERY_SECONDS):
            for name in PROCESSES:
                pid = self._stack.supervisor.pid(name)
                if pid is not None:
                    megabytes = processor_time.memory_of_trees([pid])[1]
                    self._journal.samples.append(Sample(name, megabytes=megabytes))
            with contextlib.suppress(psycopg2.Error):
                for kind, count in self._stack.place.query(_CONNECTIONS):
                    self._journal.samples.append(Sample(kind, connections=count))


def messages_left(stack: Stack) -> dict[str, int]:
    """Returns how many messages, ready or unacknowledged, each queue has that is not empty."""
    queues = requests.get(f"{stack.rabbit.management_url}/api/queues", timeout=30).json()
    return {queue["name"]: queue["messages"] for queue in queues if queue.get("messages")}
