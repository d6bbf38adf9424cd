"""A listener to the live channel that comes back after each break, with its cursor."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import Any, Self

import requests

from bench.chaos.journal import Journal, Told
from bench.chaos.scenario import APP

_REST_SECONDS = 0.3
_TIMEOUT_SECONDS = 20.0


class Listener:
    """Listens to the runs and jobs of the app, and notes what it is told."""

    def __init__(self, name: str, url: str, journal: Journal) -> None:
        self._url = url
        self._told: list[Told] = []
        self._closing = journal.closing
        self._cursor: str | None = None
        journal.told[name] = self._told
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the thread: a break of the stream, which comes with the end of the web process, ends it."""

    def _listen(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(requests.RequestException):
                self._read()
            time.sleep(_REST_SECONDS)

    def _read(self) -> None:
        headers = {"Last-Event-ID": self._cursor} if self._cursor else {}
        query = {"app": APP, "topics": "jobs,runs"}
        with requests.get(
            f"{self._url}/api/events", query, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS
        ) as answer:
            answer.raise_for_status()
            event, data, cursor = "", "", self._cursor
            for line in answer.iter_lines(decode_unicode=True):
                name, _, value = line.partition(": ")
                if name == "id":
                    cursor = value
                elif name == "event":
                    event = value
                elif name == "data":
                    data = value
                elif not line:  # the end of an event: what was broken off before does not count
                    if event:
                        self._note(event, json.loads(data))
                    event, self._cursor = "", cursor

    def _note(self, event: str, data: dict[str, Any]) -> None:
        shown = data.get(event) or {}
        status, attempts = shown.get("status", ""), shown.get("attempt_count", 0)
        self._told.append(Told(event, data["as_of"], shown.get("id", ""), status, attempts, time.time()))
