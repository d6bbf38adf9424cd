"""The web server of a process: uvicorn; at the end, `/readyz` fails before it stops answering."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from processes import signals
from processes.programs import ProgramError
from processes.serving.bounded_http import BoundedHttp
from processes.serving.bounded_websocket import BoundedWebSocket
from processes.serving.slow_readers import UNREAD_SECONDS
from processes.signals import StopSignals
from settings import Settings

_LAST_ANSWERS_SECONDS = 2  # for requests still under way when everything else has ended
_CLOSING_SECONDS = 2
_CHANNELS_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.02
_LONGEST_MESSAGE = 64 * 1024  # that a client may send over a WebSocket
_MAX_UNREAD = 128 * 1024
log = structlog.get_logger()


class WebServer(uvicorn.Server):
    """Serves until SIGTERM or SIGINT; then `/readyz` answers 503, and `drain` runs while requests are still answered.

    If serving ends without a signal, `drain` is not called. The constructor raises `ProgramError` if the port cannot be
    bound. `listening` is a socket that is bound.
    """

    def __init__(
        self,
        app: object,
        settings: Settings,
        *,
        stopping: threading.Event,
        drain: Callable[[], None],
        on_ready: Callable[[], None],
        hurry: Callable[[], None] = lambda: None,
        listening: socket.socket | None = None,
    ) -> None:
        self._listening = listening or listening_socket(settings.host, settings.port)
        limit_unread(self._listening)
        super().__init__(configured(app, settings))
        self._stopping = stopping
        self._drain = drain
        self._on_ready = on_ready
        self._hurry = hurry
        self._has_ended = False
        StopSignals(stopping, self._stop_at_once)

    def serve_until_stopped(self) -> None:
        """Serve on the socket that was given, else on the port of the settings."""
        threading.Thread(target=self._drain_then_exit, name="drain", daemon=True).start()
        try:
            self.run([self._listening])
        finally:
            self._has_ended = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then call `on_ready`."""
        signals.regain()
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `StopSignals`, which does not need the main thread."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving, then stop the application."""
        await self._channels_closed()
        await super().shutdown(sockets)
        if self.force_exit:  # uvicorn leaves this out then, and logs an error for the application that it cuts off
            await self.lifespan.shutdown()

    async def _channels_closed(self) -> None:
        """Wait a moment for the application to close its WebSockets with 1001: uvicorn would close them with 1012."""
        until = time.monotonic() + _CHANNELS_SECONDS
        while self._has_channels() and not self.force_exit and time.monotonic() < until:  # noqa: ASYNC110  none tells
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _has_channels(self) -> bool:
        return any(isinstance(one, BoundedWebSocket) for one in self.server_state.connections)

    def _stop_at_once(self) -> None:
        """Obey a second signal: hand back the runs under way without waiting for answers."""
        self.force_exit = True
        self._hurry()

    def _drain_then_exit(self) -> None:
        self._stopping.wait()
        if self._has_ended:  # by a fault, so no status of success may be near
            return
        log.info("stopping")
        try:
            self._drain()
        except Exception:  # whatever went wrong, the process must still end
            log.exception("drain_failed")
        signals.end_within(_CHANNELS_SECONDS + _LAST_ANSWERS_SECONDS + _CLOSING_SECONDS)
        self.should_exit = True


def configured(app: object, settings: Settings) -> uvicorn.Config:
    """Returns how uvicorn serves the application."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's protocol types are narrower than ASGI's
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        http=BoundedHttp,
        ws=BoundedWebSocket,
        ws_max_size=_LONGEST_MESSAGE,
        ws_per_message_deflate=False,  # its buffers take more memory than everything else of a listener
    )


def refuse_taken(host: str, port: int) -> None:
    """Refuse a taken port before anything starts. Raises `ProgramError`."""
    listening_socket(host, port).close()


def listening_socket(host: str, port: int) -> socket.socket:
    """Returns a socket that listens there; uvicorn would only log that a port is taken, when work is under way.

    Raises `ProgramError` if the port cannot be bound.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ProgramError(f"PORT={port} cannot be bound: {error.strerror}; name a free port.") from None


def limit_unread(listening: socket.socket) -> None:
    """Have the kernel close accepted connections whose client reads nothing for long, and buffer little until then.

    One that reads a little now and then is left to `Unread`.
    """
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MAX_UNREAD)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_SECONDS * 1_000))
