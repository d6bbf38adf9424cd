"""A transport whose client reads nothing, and the server's side of it."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.server import ServerState

from processes.serving.web_server import configured
from settings import Settings


class HeldTransport(asyncio.Transport):
    """Keeps all that is written, and notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.wrote = asyncio.Event()
        self.aborted = asyncio.Event()
        self._is_reading = True
        self._is_closing = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        self.wrote.set()

    def pause_reading(self) -> None:
        self._is_reading = False

    def resume_reading(self) -> None:
        self._is_reading = True

    def is_reading(self) -> bool:
        return self._is_reading

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True

    def abort(self) -> None:
        self.aborted.set()


def spoken_to(transport: asyncio.Transport, application: object, **settings: Any) -> Any:
    """The server's protocol of HTTP on this transport, as a connection begins."""
    config = configured(application, Settings(**settings))
    config.load()
    made: Any = config.http_protocol_class
    protocol = made(config, ServerState(), {})
    protocol.connection_made(transport)
    return protocol
