"""Creates jobs one by one, as many as are allowed so far: half of them due at once, the others two seconds later."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bench.carillon import CALLBACK, IMMEDIATE, at, job
from bench.threads import Threads

_THREADS = 4
_ACCOUNTS = 50
_LATER = timedelta(seconds=2)
_REST_SECONDS = 0.005
_TIMEOUT_SECONDS = 30
_FAULTS = (OSError, http.client.HTTPException)


class Load(Threads):
    """Sends from some threads while the block lasts; whoever raises `allowed` sets the pace."""

    def __init__(self, url: str) -> None:
        super().__init__(self._send, _THREADS)
        self.allowed = 0
        self.refused: Counter[str] = Counter()
        self._address = urlsplit(url).netloc
        self._sent = 0
        self._lock = threading.Lock()

    @property
    def sent(self) -> int:
        """Returns how many jobs were sent, or are being sent."""
        return self._sent

    def keep_pace(self, per_second: float, seconds: float, check: Callable[[], None]) -> None:
        """Allow so many jobs a second for so long; return when the time is over. Raises what `check` raises."""
        first, began = self._sent, time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            check()
            self.allowed = first + int(per_second * elapsed)
            time.sleep(_REST_SECONDS)

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_SECONDS)
        while not self.stopping.is_set():
            number = self._next()
            if number is None:
                time.sleep(_REST_SECONDS)
            else:
                self._create(connection, number)
        connection.close()

    def _next(self) -> int | None:
        """Take the number of the next job; None if no more are allowed at present."""
        with self._lock:
            if self._sent >= self.allowed:
                return None
            self._sent += 1
            return self._sent

    def _create(self, connection: http.client.HTTPConnection, number: int) -> None:
        try:
            connection.request(
                "POST", "/api/jobs/create", json.dumps(body(number)), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
        except _FAULTS as error:
            connection.close()  # it is opened again by the next request
            self.refused[type(error).__name__] += 1
            return
        if answer.status != http.client.CREATED:
            self.refused[str(answer.status)] += 1


def body(number: int) -> dict[str, Any]:
    """Returns the body of a job."""
    schedule = IMMEDIATE if number % 2 else at(datetime.now(UTC) + _LATER)
    return job(CALLBACK, schedule, account_id=f"a{number % _ACCOUNTS}")


def recurring(count: int, every_seconds: int) -> list[Mapping[str, Any]]:
    """Returns the bodies of jobs that come back."""
    return list(itertools.repeat(job(CALLBACK, {"type": "interval", "every_seconds": every_seconds}), count))
