"""Open WebSockets of an app inside the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import falcon
import pytest

from tests.integration.api.listening import LOCALHOST
from tests.waiting import LONGEST

STATUSES, OWN_JOBS = "/ws/jobs/status/", "/ws/jobs/"


class Channel:
    """An open WebSocket, as its client has it."""

    def __init__(self, ws: Any) -> None:
        self._ws = ws

    async def next(self, **members: Any) -> Any:
        """The next frame with these members; others are passed over."""
        async with asyncio.timeout(LONGEST):
            while True:
                frame = json.loads(await self._ws.receive_text())
                if frame.items() >= members.items():
                    return frame

    async def ask(self, **question: str) -> None:
        await self._ws.send_text(json.dumps(question))

    async def say(self, text: str) -> None:
        await self._ws.send_text(text)

    async def close_code(self) -> int | None:
        """The code with which the server closes it."""
        with pytest.raises(falcon.WebSocketDisconnected):
            await self.next(never="told")
        code: int | None = self._ws.close_code
        return code


@asynccontextmanager
async def opened(conductor: Any, path: str, host: str = LOCALHOST, **headers: str) -> AsyncIterator[Channel]:
    async with conductor.simulate_ws(path, host=host, headers=headers) as ws:
        yield Channel(ws)
