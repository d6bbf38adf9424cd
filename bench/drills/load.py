"""Creates jobs at a steady pace, and keeps those that were acknowledged.

A request without an answer, or with a 503, is sent again with the same Idempotency-Key, to the next address.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from bench.drills.kinds import EDIT, EDITED_DUE_SECONDS, PLAIN, Kind, of_number
from bench.threads import Threads

_TIMEOUT_SECONDS = 20
_REST_SECONDS = 0.2


@dataclass(frozen=True)
class Created:
    """A job and when it was acknowledged; `is_edited` if an edit was, too, before the job can have been due."""

    id: str
    number: int
    kind: Kind
    at: float
    is_edited: bool = False


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class Load(Threads):
    """Creates jobs from some threads for as long as the block lasts. `refused` counts answers that are no success."""

    def __init__(
        self, urls: Sequence[str], kinds: Sequence[Kind] = PLAIN, per_second: float = 20, threads: int = 4
    ) -> None:
        super().__init__(self._go_on, threads)
        self.urls = list(urls)
        self.refused: Counter[str] = Counter()
        self._kinds = kinds
        self._created: list[Created] = []
        self._pause_seconds = threads / per_second
        self._numbers = itertools.count(1)

    def created(self) -> list[Created]:
        """Returns the jobs that were acknowledged so far, in order."""
        return list(self._created)

    def acknowledged(self) -> list[str]:
        """Returns the ids of the jobs that were acknowledged so far, in order."""
        return [one.id for one in self._created]

    def _go_on(self) -> None:
        session = requests.Session()
        while not self.stopping.is_set():
            began = time.monotonic()
            self._create(session, next(self._numbers))
            self.stopping.wait(max(0.0, self._pause_seconds - (time.monotonic() - began)))

    def _create(self, session: requests.Session, number: int) -> None:
        kind, sent = of_number(self._kinds, number), time.time()
        create = _Request("POST", "create", kind.body(number), {"Idempotency-Key": f"drill-{number}"})
        job = self._until_answered(session, number, create)
        if job is None:
            return
        at, is_edited = time.time(), False
        if kind.is_edited:  # at the next address
            edit = _Request("PATCH", job["id"], EDIT, {"Content-Type": "application/merge-patch+json"})
            answer = self._until_answered(session, number + 1, edit)
            is_edited = answer is not None and time.time() < sent + EDITED_DUE_SECONDS
        self._created.append(Created(job["id"], number, kind, at, is_edited))

    def _until_answered(self, session: requests.Session, turn: int, request: _Request) -> dict[str, Any] | None:
        """Send a request until it succeeds. Returns its answer; None if the load ends before."""
        while True:
            urls = list(self.urls)  # which others change meanwhile
            answer = self._sent(session, urls[turn % len(urls)], request)
            if answer is not None or self.stopping.wait(_REST_SECONDS):
                return answer
            turn += 1

    def _sent(self, session: requests.Session, url: str, request: _Request) -> dict[str, Any] | None:
        try:
            answer = session.request(
                request.method,
                f"{url}/api/jobs/{request.path}",
                json=request.body,
                headers=request.headers,
                timeout=_TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            self.refused[type(error).__name__] += 1
            return None
        if not answer.ok:
            self.refused[str(answer.status_code)] += 1
            return None
        found: dict[str, Any] = answer.json()
        return found
