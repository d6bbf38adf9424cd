"""A drained process: it finishes its runs and takes no more, until the drain is ended or it is restarted."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from contextlib import suppress
from typing import Any

import dramatiq
import structlog

log = structlog.get_logger()


class Drain:
    """Keeps the threads of a process from taking runs while an administrator drains it.

    First its threads pause, each after its current run. Once all pause, the process gives back the rings that it has
    fetched and fetches no more, so that other workers get them.
    """

    def __init__(self, threads: dramatiq.Worker, is_draining: threading.Event) -> None:
        self._threads = threads
        self._is_draining = is_draining
        self._hears = True

    def hear(self, drains: bool) -> None:
        """Apply the current request; called with every heartbeat."""
        if not drains:
            self._end()
        elif not self._is_draining.is_set():
            self._is_draining.set()
            for thread in self._threads.workers:
                thread.pause()
            log.info("worker_draining")
        elif self._hears and all(thread.paused_event.is_set() for thread in self._threads.workers):
            self._hears = False
            self._give_back()
            for consumer in self._threads.consumers.values():
                consumer.pause()  # closes its connection, which gives back what it has fetched
            log.info("worker_drained")

    def _end(self) -> None:
        if not self._is_draining.is_set():
            return
        self._give_back()  # rings fetched while the consumers were pausing
        self._is_draining.clear()
        self._hears = True
        self._threads.resume()
        log.info("worker_drain_ended")

    def _give_back(self) -> None:
        """Give back the rings that no thread has taken. The coordinator replaces one that is lost."""
        fetched: dict[str, list[Any]] = defaultdict(list)
        waiting = self._threads.work_queue
        with suppress(queue.Empty):
            while True:
                message = waiting.get_nowait().message
                fetched[message.queue_name].append(message)
                waiting.task_done()
        for queue_name, messages in fetched.items():
            self._threads.consumers[queue_name].requeue_messages(messages)
