"""Listen to the live channel of an app inside the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import falcon.testing

from api.app import App
from tests.factories import GivenSystem
from tests.integration.api.client import served
from tests.waiting import LONGEST

LOCALHOST = "127.0.0.1"
# Operations whose answer, if they are asked rightly, does not end: tests of events read it.
ENDLESS = {"listenToEvents"}


@dataclass(frozen=True)
class Event:
    """A server-sent event; `name` is empty for a comment."""

    name: str
    data: Any
    cursor: str | None


class Events:
    """The events of one stream."""

    def __init__(self, result: Any) -> None:
        self.headers = result.headers
        self._result = result
        self._rest = b""

    async def next(self, *names: str) -> Event:
        """The next event with one of these names; comments and others are passed over."""
        while True:
            event = await self._next()
            if event.name in names:
                return event

    async def until(self, wanted: Callable[[Event], object]) -> Event:
        """The next event that is as wanted."""
        while not wanted(event := await self._next()):
            pass
        return event

    async def end(self) -> None:
        """Return when the server has ended the stream."""
        async with asyncio.timeout(LONGEST):
            await self._result._task

    async def _next(self) -> Event:
        async with asyncio.timeout(LONGEST):
            while b"\n\n" not in self._rest:
                ended = self._result._task.done()
                self._rest += await self._result.stream.read()
                assert self._rest or not ended, "the stream has ended"
                await asyncio.sleep(0.001)
        block, _, self._rest = self._rest.partition(b"\n\n")
        lines = dict(line.split(": ", 1) for line in block.decode().splitlines() if not line.startswith(":"))
        data = json.loads(lines["data"]) if "data" in lines else None
        return Event(lines.get("event", ""), data, lines.get("id"))


@asynccontextmanager
async def conducted(app: App) -> AsyncIterator[falcon.testing.ASGIConductor]:
    """The app, started and at the end stopped."""
    async with falcon.testing.ASGIConductor(app) as conductor:
        yield conductor


@asynccontextmanager
async def events(
    conductor: falcon.testing.ASGIConductor, query: str = "", host: str = LOCALHOST, **headers: str
) -> AsyncIterator[Events]:
    """The stream of `/api/events`, listened to from its first byte on."""
    stream = conductor.simulate_get_stream("/api/events", query_string=query, host=host, headers=headers)
    async with stream as result:
        assert result.status_code == 200
        yield Events(result)


@asynccontextmanager
async def listening(system: GivenSystem, query: str = "", **headers: str) -> AsyncIterator[Events]:
    async with conducted(served(system)) as conductor, events(conductor, query, **headers) as heard:
        yield heard
