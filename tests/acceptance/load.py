"""Applications that create jobs without end, whatever the server answers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import requests

from tests.acceptance.installation import IMMEDIATE, Installation
from tests.lengths import JOBS
from tests.waiting import LONGEST, until


class Load:
    """Creates `JOBS` jobs on eight threads, then a few a second until the block is left; notes each answer."""

    def __init__(self, carillon: Installation) -> None:
        self.job_ids: list[str] = []
        self.refused: list[requests.Response] = []
        self.slowest_seconds = 0.0
        self._carillon = carillon
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(8)

    def __enter__(self) -> Self:
        self._threads = [self._pool.submit(self._create) for _ in range(8)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.result()
        self._pool.shutdown()

    def wait_for(self, count: int) -> None:
        """Return when so many more jobs have been accepted."""
        goal = len(self.job_ids) + count
        until(lambda: len(self.job_ids) >= goal, f"{count} jobs more")

    def _create(self) -> None:
        pause = threading.Event()
        body = {"app_name": "a", "user_id": "u", "account_id": "a", "task_type": "greet", "schedule": IMMEDIATE}
        while len(self.job_ids) < JOBS or not self._stopping.is_set():
            began = time.monotonic()
            answer = self._carillon.session.post(f"{self._carillon.url}/api/jobs/create", json=body, timeout=LONGEST)
            seconds = time.monotonic() - began
            with self._lock:
                self.slowest_seconds = max(self.slowest_seconds, seconds)
                if answer.status_code == 201:
                    self.job_ids.append(str(answer.json()["id"]))
                else:
                    self.refused.append(answer)
            # Applications do not ask without a break; more jobs than the workers can do would only make it longer.
            pause.wait(0.08 if answer.status_code == 201 and len(self.job_ids) < JOBS else 0.5)

    def refused_politely(self) -> bool:
        """Whether all that was not accepted was answered 503, with a time to come again."""
        return all(one.status_code == 503 and int(one.headers["Retry-After"]) > 0 for one in self.refused)
