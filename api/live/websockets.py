"""Serve a listener over a WebSocket, and receive what it sends, until either side ends the channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import falcon
from falcon.asgi import WebSocket

from api.live.hub import Hub
from api.live.listeners import End, Listener

_IDLE_SECONDS = 60.0


def ignore(_text: str) -> None:
    """Ignore what a client sends."""


async def serve(hub: Hub, ws: WebSocket, listener: Listener, hear: Callable[[str], None] = ignore) -> None:
    """Accept a channel and serve its listener; `hear` is called with each text that the client sends.

    Raises as `Hub.join` does, before the channel is accepted.
    """
    await hub.join(listener)
    try:
        await ws.accept()
        tasks = [asyncio.create_task(one) for one in (_tell(ws, listener), _hear(ws, hear))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        hub.leave(listener)
    for end in ends:
        if isinstance(end, Exception) and not isinstance(end, falcon.WebSocketDisconnected):
            raise end


async def _tell(ws: WebSocket, listener: Listener) -> None:
    while not isinstance(frames := await listener.next(_IDLE_SECONDS), End):
        for frame in frames:
            await ws.send_text(frame.text)
    await ws.close(frames.value)


async def _hear(ws: WebSocket, hear: Callable[[str], None]) -> None:
    while True:
        try:
            hear(await ws.receive_text())
        except falcon.PayloadTypeError:  # bytes, which have no meaning here
            continue
