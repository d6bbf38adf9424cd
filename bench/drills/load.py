"""Creates jobs at a steady pace, and keeps the ids of those that were acknowledged.

A request without an answer, or with a 503, is sent again with the same Idempotency-Key, to the next address.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import requests

from bench.threads import Threads

_TIMEOUT_SECONDS = 20
_REST_SECONDS = 0.2


class Load(Threads):
    """Creates jobs from some threads for as long as the block lasts. `refused` counts answers that are no success."""

    def __init__(self, urls: Sequence[str], per_second: float = 20, threads: int = 4) -> None:
        super().__init__(self._create, threads)
        self.urls = list(urls)
        self.refused: Counter[str] = Counter()
        self._acknowledged: list[str] = []
        self._pause_seconds = threads / per_second
        self._numbers = itertools.count(1)

    def acknowledged(self) -> list[str]:
        """Returns the ids of the jobs that were acknowledged so far, in order."""
        return list(self._acknowledged)

    def _create(self) -> None:
        session = requests.Session()
        while not self.stopping.is_set():
            number = next(self._numbers)
            began = time.monotonic()
            self._until_acknowledged(session, number)
            self.stopping.wait(max(0.0, self._pause_seconds - (time.monotonic() - began)))

    def _until_acknowledged(self, session: requests.Session, number: int) -> None:
        for attempt in itertools.count():
            url = self.urls[(number + attempt) % len(self.urls)]
            answer = self._sent(session, url, number)
            if answer is not None:
                self._acknowledged.append(answer["id"])
                return
            if self.stopping.wait(_REST_SECONDS):
                return

    def _sent(self, session: requests.Session, url: str, number: int) -> dict[str, Any] | None:
        try:
            answer = session.post(
                f"{url}/api/jobs/create",
                json=body(number),
                headers={"Idempotency-Key": f"drill-{number}"},
                timeout=_TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            self.refused[type(error).__name__] += 1
            return None
        if not answer.ok:
            self.refused[str(answer.status_code)] += 1
            return None
        created: dict[str, Any] = answer.json()
        return created


def body(number: int) -> dict[str, Any]:
    """Returns the body of a job: nine of ten are due at once, the others in five seconds."""
    schedule = {"type": "immediate"} if number % 10 else {"type": "delay_from_now", "duration_seconds": 5}
    return {
        "app_name": f"drill_{number % 2}",
        "user_id": "u",
        "account_id": f"a{number % 7}",
        "task_type": "drill",
        "schedule": schedule,
        "data": {"n": number},
        "retry_backoff_base": 1,
    }
