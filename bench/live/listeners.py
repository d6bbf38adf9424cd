"""Listeners to the live channel: each remembers what it was told last, and comes back after a break."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import requests
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

_RANKS = {"pending": 0, "running": 1, "completed": 2, "failed": 2, "cancelled": 2}
_REST_SECONDS = 1.0
_TIMEOUT_SECONDS = 60.0
_LONGEST_EVENT = 2**20
_BREAKS = (OSError, EOFError, TimeoutError, ValueError, WebSocketException, requests.RequestException)


class Listener(ABC):
    """Follows the statuses of some jobs until it is cancelled."""

    def __init__(self, url: str, job_ids: Iterable[str]) -> None:
        self._url = url
        self._statuses = dict.fromkeys(job_ids, "pending")
        self.is_open = False
        self.times_opened = 0
        self.events = 0
        self.resets = 0
        self.steps_back = 0

    @property
    def knows_all(self) -> bool:
        """Whether it knows that every job it follows has ended."""
        return all(status == "completed" for status in self._statuses.values())

    async def listen(self) -> None:
        """Listen, and come back a second or two after each break."""
        while True:
            with contextlib.suppress(*_BREAKS):
                await self._listen_once()
            self.is_open = False
            await asyncio.sleep(_REST_SECONDS * (1 + random.random()))

    @abstractmethod
    async def _listen_once(self) -> None:
        """Listen until the channel breaks."""

    def _opened(self) -> None:
        self.is_open = True
        self.times_opened += 1

    def _note(self, job_id: str, status: str) -> None:
        """Remember a status; a job that was told to be further has gone back."""
        self.events += 1
        known = self._statuses.get(job_id)
        if known is not None:
            self.steps_back += _RANKS[status] < _RANKS[known]
            self._statuses[job_id] = status

    async def _read_again(self, path: str, of: Callable[[Any], Iterable[dict[str, Any]]]) -> None:
        """Read what may have been missed over the API, page by page."""
        following: str | None = path
        while following is not None:
            answer = await asyncio.to_thread(requests.get, f"{self._url}{following}", timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
            for job in of(answer.json()):
                self._note(job["id"], job["status"])
            following = answer.json().get("next")


class EventListener(Listener):
    """Listens by server-sent events to the jobs of one app; after a break it goes on where it was."""

    def __init__(self, url: str, app: str, job_ids: Iterable[str]) -> None:
        super().__init__(url, job_ids)
        self._app = app
        self._cursor: str | None = None
        self._as_of = 0

    async def _listen_once(self) -> None:
        place = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=_LONGEST_EVENT)
        try:
            resume = f"Last-Event-ID: {self._cursor}\r\n" if self._cursor else ""
            path = f"/api/events?topics=jobs&app={self._app}"
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {place.netloc}\r\n{resume}\r\n".encode())
            if b" 200 " not in await reader.readline():
                return
            while await reader.readline() not in (b"\r\n", b""):
                pass
            self._opened()
            await self._follow(reader)
        finally:
            writer.close()

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        while True:
            block = (await reader.readuntil(b"\n\n")).decode()
            # Sizes of chunks stand between events, on lines of their own.
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":")
            if "event" in fields:
                await self._take(fields["event"], json.loads(fields["data"]))
            self._cursor = fields.get("id", self._cursor)

    async def _take(self, event: str, data: dict[str, Any]) -> None:
        self.steps_back += data["as_of"] < self._as_of
        self._as_of = data["as_of"]
        if event == "job":
            self._note(data["job"]["id"], data["job"]["status"])
        elif event == "reset":
            self.resets += 1
            await self._read_again(f"/api/jobs?app_name={self._app}&limit=100", lambda page: page["results"])


class SocketListener(Listener):
    """Listens by a WebSocket to one job, and reads its status over the API each time it has opened."""

    def __init__(self, url: str, job_id: str) -> None:
        super().__init__(url, [job_id])
        self._job_id = job_id

    async def _listen_once(self) -> None:
        place = self._url.replace("http", "ws", 1)
        async with connect(f"{place}/ws/jobs/{self._job_id}/", open_timeout=_TIMEOUT_SECONDS) as channel:
            self._opened()
            if self.times_opened > 1:
                path = f"/api/jobs/{self._job_id}/status"
                await self._read_again(path, lambda found: [{"id": found["job_id"], "status": found["status"]}])
            async for text in channel:
                self._note(self._job_id, json.loads(text)["status"])
