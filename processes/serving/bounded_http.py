"""HTTP as uvicorn speaks it, within bounds: on what comes besides bodies, and on how long heads and readers may take.

uvicorn's parser keeps whatever comes until a head ends, and nothing ends a connection on which a byte has come lately.
The application bounds bodies itself, from their first byte on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from processes.serving.refusals import problem
from processes.serving.slow_readers import Unread

MAX_HEAD_BYTES = 64 * 1024
"""The most bytes of a request line and headers, and of whatever else comes between two pieces of a body."""
HEAD_SECONDS = 15.0
"""How long a head may take from its first byte on, the first byte of its body after it, and the rest of a body that
comes after the answer. Time in which an earlier request is still being answered does not count."""
LAST_REQUEST_SECONDS = 0.5
"""How long a connection on which no request is under way stays open once the server stops."""
_DETAILS = {
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"The request line and headers have more than {MAX_HEAD_BYTES} bytes.",
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
        self._is_ending = False  # the server stops
        self._awaited: asyncio.TimerHandle | None = None
        self._last_answer: Callable[[], None] | None = None  # once what is under way has ended; nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._unread = Unread(transport, self.loop)
        self._keep_alive()

    def connection_lost(self, exc: Exception | None) -> None:
        self._await_no_more()
        self._unread.bound_no_more()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.bound()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.bound_no_more()

    def data_received(self, data: bytes) -> None:
        if self._last_answer is not None:
            return
        self._beside_body += len(data)
        super().data_received(data)  # which ends keep-alive
        if self._is_handed_over or self._last_answer is not None or self.transport.is_closing():
            return
        if self._beside_body > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._is_in_between():
            self._await_rest()
        elif self._in_head and self._is_answered():  # the rest of a request that was answered before
            self._keep_alive()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers of a body are no headers: nobody in front of the server has looked at them
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._beside_body > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES:
            raise HeadTooLargeError
        self._await_no_more()
        self._beside_body = 0
        self._in_head = self._has_body = False
        super().on_headers_complete()
        if self._is_ending and self.cycle is not None:
            self.cycle.keep_alive = False

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
        if self.transport.is_closing():
            self._unread.bound()
            return
        if self._last_answer is not None:
            self._end_with(self._last_answer)
        elif self._is_in_between():  # refused before its body has come, or the next one has begun meanwhile
            self._await_rest()

    def handle_websocket_upgrade(self) -> None:
        if self._is_answering() or self.flow.write_paused:
            self.send_400_response("A handshake cannot come before the answer to the former request was sent.")
            return
        self._is_handed_over = True
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed; a head that `on_headers_complete` refused is too large."""
        if self._in_head and self._beside_body > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            self._end_with(partial(super().send_400_response, msg))

    def shutdown(self) -> None:
        """Close after the answer that is under way or, on an idle connection, after the answer to one more request.

        A proxy learns only now that nobody listens any more. It may just have sent, on a connection that it kept or
        opened, a POST that it must not send again. What remains idle is closed a moment later.
        """
        self._is_ending = True
        if self._is_idle():
            self.loop.call_later(LAST_REQUEST_SECONDS, self._close_idle)
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        if not self.transport.is_closing():
            self._close()

    def _close_idle(self) -> None:
        if self._is_idle():
            self._close()

    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _is_in_between(self) -> bool:
        """Whether the connection is where neither the application nor keep-alive limits how long it stays."""
        if self._is_answering():
            return False
        if self._in_head:
            return self._beside_body > 0
        return not self._has_body or self._is_answered()

    def _is_answering(self) -> bool:
        """Whether an answer has begun, or is due to a request before the one that is coming, and has not ended."""
        if self.cycle is None or self.cycle.response_complete:
            return False
        return self._in_head or bool(self.pipeline) or self.cycle.response_started

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

    def _keep_alive(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _refuse(self, status: HTTPStatus) -> None:
        self._end_with(partial(self._answer, status))

    def _end_with(self, answer: Callable[[], None]) -> None:
        """Close the connection once no other answer is under way; with this one, unless its request has one already."""
        if self.transport.is_closing():
            return
        if self._is_answering():
            self._last_answer = answer
            return
        if self._in_head or not self._is_answered():
            answer()
        self._close()

    def _answer(self, status: HTTPStatus) -> None:
        self.transport.write(problem(status, _DETAILS[status]))

    def _close(self) -> None:
        """Close the connection once what waits is read, within its time."""
        self.transport.close()
        self._unread.bound()
