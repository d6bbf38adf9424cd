"""HTTP as uvicorn speaks it, within bounds: on what comes besides bodies, and on how long a request's head may take.

uvicorn's parser keeps whatever comes until a head ends, and nothing ends a connection on which a byte has come lately.
The application bounds bodies itself, from their first byte on.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
"""The most bytes of a request line and headers, and of whatever else comes between two pieces of a body."""
HEAD_SECONDS = 15.0
"""How long a head may take from its first byte on, the first byte of its body after it, and the rest of a body that
comes after the answer."""
_DETAILS = {
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"The request line and headers have more than {MOST_HEAD_BYTES} bytes.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not come in time. Send it without a break.",
}


class HeadTooLargeError(Exception):
    """The head of a request is larger than the server accepts."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. Requests that come whole and at once cost a few comparisons."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._beside_body = 0  # bytes since the last piece of a body, or the end of a head or of a request
        # (what follows these in one reading, of at most 256 KiB, is not counted)
        self._in_head = True
        self._has_body = False
        self._is_handed_over = False  # to the protocol of WebSockets
        self._awaited: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._beside_body += len(data)
        super().data_received(data)
        if self._is_handed_over or self.transport.is_closing():
            return
        if self._beside_body > MOST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._is_in_between():
            self._await_rest()

    def on_headers_complete(self) -> None:
        if self._beside_body > MOST_HEAD_BYTES and self._head_bytes() > MOST_HEAD_BYTES:
            raise HeadTooLargeError
        self._await_no_more()
        self._beside_body = 0
        self._in_head = self._has_body = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside_body = 0
        self._has_body = True
        if not self._is_answered():
            self._await_no_more()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._await_no_more()
        self._beside_body = 0
        self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing():  # refused before its body has come
            self._await_rest()

    def handle_websocket_upgrade(self) -> None:
        self._is_handed_over = True
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed; a head that `on_headers_complete` refused is too large."""
        if self._in_head and self._beside_body > MOST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def _is_in_between(self) -> bool:
        """Whether the connection is where neither the application nor keep-alive limits how long it stays."""
        if self._in_head:
            return self._beside_body > 0
        return not self._has_body or self._is_answered()

    def _is_answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _await_rest(self) -> None:
        if self._awaited is None:
            self._awaited = self.loop.call_later(HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _await_no_more(self) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def _refuse(self, status: HTTPStatus) -> None:
        """Close the connection; with an answer, unless there is one to this or the former request already."""
        if self.transport.is_closing():
            return
        if self._may_answer():
            self._answer(status)
        self.transport.close()

    def _may_answer(self) -> bool:
        if self.cycle is None:
            return True
        return self.cycle.response_complete if self._in_head else not self.cycle.response_started

    def _answer(self, status: HTTPStatus) -> None:
        problem = {"type": "about:blank", "status": status, "title": status.phrase, "detail": _DETAILS[status]}
        content = json.dumps(problem).encode()
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
            + content
        )
