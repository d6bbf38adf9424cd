"""WebSockets as uvicorn speaks them, within bounds: on handshakes, and on how slowly a client may read."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from processes.serving.refusals import problem
from processes.serving.slow_readers import Unread

_REFUSED = (
    "The handshake of the WebSocket has a body, more than 128 headers, or a line of more than 8 KiB. "
    "Send it without a body, and with fewer or shorter headers."
)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One connection, from its handshake on, whose head has come whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._unread = Unread(cast("asyncio.Transport", transport), self.loop)
        self._has_unread_pongs = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._unread.bound_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:  # the library could not read it, which uvicorn does not look at
            self.transport.write(problem(HTTPStatus.BAD_REQUEST, _REFUSED))
            self.transport.close()
        if self.transport.is_closing():
            self._unread.bound()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.bound()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.bound_no_more()
        if self._has_unread_pongs and not self.read_paused:  # or once the application has taken the message
            self.transport.resume_reading()
        self._has_unread_pongs = False

    def handle_ping(self) -> None:
        super().handle_ping()
        if not self.writable.is_set():  # each further ping would add a pong to what the client does not read
            self._has_unread_pongs = True
            self.transport.pause_reading()

    async def receive(self) -> Any:
        """Return the next event. Uvicorn reads on then, even if the client itself does not."""
        event = await super().receive()
        if self._has_unread_pongs:
            self.transport.pause_reading()
        return event

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._unread.bound()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        if not self.disconnected:  # uvicorn closes it now, or once the client has answered
            self._unread.bound()
