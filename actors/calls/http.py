"""One HTTP call to a receiver, which an abort ends at once, in any phase."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead

import structlog
import urllib3

from actors.calls import exchange, trust
from actors.calls.connection import Line
from actors.calls.exchange import NoFirstByte, Target
from actors.calls.kept_connections import KeptConnections, Key
from actors.calls.response import Response
from actors.calls.wire import Wire
from core import headers
from core.errors import Aborted, AbortReason, PermanentFailure, TransientFailure
from core.networks import PUBLIC, Reach
from core.version import VERSION
from core.ways import DIRECT, Way
from services.execution.transcripts import Transcript
from services.runtime import abort_scope

ANSWER_CAP_BYTES = 1024 * 1024
PIECE_BYTES = 16 * 1024

_DEFAULT_HEADERS = {
    "User-Agent": f"Carillon/{VERSION}",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}
_DECODED = frozenset({"gzip", "x-gzip", "deflate"})
_NO_ANSWER = (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)

kept = KeptConnections()
log = structlog.get_logger()


@dataclass(frozen=True)
class Call:
    """A request to send. `connect_seconds` covers lookup, connect and TLS; `read_seconds` each wait after.

    `reach` says where it may go; by default, only to public addresses. With `over_new_connection`, no kept connection
    is used. `way` says through which proxy it goes, and how TLS is spoken.
    """

    url: str
    body: bytes | None
    headers: Mapping[str, str]
    method: str = "POST"
    connect_seconds: float = 5
    read_seconds: float = 30
    reach: Reach = PUBLIC
    over_new_connection: bool = False
    way: Way = DIRECT


@dataclass(frozen=True)
class Answer:
    """An answer of any status. Header names are in lower case; `body` is decoded, at most 1 MiB."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool


def call(request: Call, scope: abort_scope.AbortScope, transcript: Transcript | None = None) -> Answer:
    """Send the request once and read the answer: no redirect is followed, no cookie kept, no proxy of the system used.

    Raises `Aborted` as soon as the scope is aborted, and if a kept connection turns out to have been closed;
    `TransientFailure` if no whole answer came, and `PermanentFailure` for a URL, an address, a header or a
    certificate that is refused. The status is not judged here. To limit the whole call, the caller aborts the scope.
    `transcript` records what is sent and answered, and when.
    """
    transcript = transcript or Transcript()
    target = exchange.target_of(request.url)
    _check_headers(request.headers)
    with (
        contextlib.closing(_line(request, transcript)) as line,
        scope.interruptible(line.cut),
    ):
        try:
            answer = _exchange(request, target, line, scope, transcript)
        except Exception as error:
            scope.raise_if_aborted()
            if not isinstance(error, _NO_ANSWER):
                raise
            raise _failure(error, request) from error
        finally:
            transcript.end()
        # If the line was cut, a body that ends with the connection only looks complete.
        scope.raise_if_aborted()
        return answer


def _line(request: Call, transcript: Transcript) -> Line:
    return Line(request.connect_seconds, request.read_seconds, request.reach, request.way.proxy, transcript)


def _check_headers(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if fault := headers.fault_of_any_name(name):
            raise PermanentFailure(f"The header {name!r} {fault}")
        if fault := headers.fault_of_value(value):
            raise PermanentFailure(f"The value of the header {name} {fault}")


def _exchange(
    request: Call, target: Target, line: Line, scope: abort_scope.AbortScope, transcript: Transcript
) -> Answer:
    key = _key(request, target)
    wire, is_kept = _wire(request, target, line, key, transcript)
    scope.raise_if_aborted()  # by the clock: whoever was frozen up to here must not send any more
    response = _asked(request, target, wire, key, transcript, is_kept=is_kept)
    transcript.answered(response.status, response.headers, response.length or 0)
    body = _body(response)
    transcript.answered(response.status, response.headers, len(body))
    if response.leaves_wire_usable and (free := line.let_go()) is not None:
        kept.keep(key, free)
    return Answer(
        status_code=response.status,
        headers=response.headers,
        body=body[:ANSWER_CAP_BYTES],
        truncated=len(body) > ANSWER_CAP_BYTES,
    )


def _key(request: Call, target: Target) -> Key:
    way = request.way
    context = trust.context(way.ca_bundle, way.certificate) if target.scheme == "https" else None
    return Key(target.scheme, target.host, target.port, context, request.reach, way)


def _wire(request: Call, target: Target, line: Line, key: Key, transcript: Transcript) -> tuple[Wire, bool]:
    """Returns a connection to the target, held by the line, and whether it is a kept one."""
    transcript.sends(request.method, request.url, sent_headers(request.headers), request.body)
    known = None if request.over_new_connection else kept.take(key)
    if known is not None:
        line.hold(known)
    wire = known or exchange.open_wire(line, target, key.trust)
    is_kept = known is not None
    transcript.reached(wire.address, is_kept=is_kept)
    wire.socket.settimeout(line.read_seconds)
    return wire, is_kept


def _asked(request: Call, target: Target, wire: Wire, key: Key, transcript: Transcript, *, is_kept: bool) -> Response:
    """Returns the head of the answer. The request is sent only once, even if a kept connection proves to be closed."""
    sent = sent_headers(request.headers)
    try:
        return exchange.ask(wire, request.method, target, sent, request.body, transcript=transcript)
    except NoFirstByte as error:
        if not is_kept:
            raise
        kept.drop(key)  # the others were probably closed, too
        log.info("kept_connection_closed", host=target.host, port=target.port)
        raise Aborted(AbortReason.CONNECTION_CLOSED) from error


def sent_headers(given: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers to send: the usual ones, replaced by those that are given, whatever their case."""
    return dict({name.lower(): (name, value) for name, value in (*_DEFAULT_HEADERS.items(), *given.items())}.values())


def _body(response: Response) -> bytes:
    """Read at most a byte more than is kept; urllib3 limits the unpacked bytes, not only those read.

    Reads in small pieces, since the line can be cut only between two of them. A content coding that was not requested
    is left undecoded: the job was delivered nevertheless.
    """
    is_coded = response.headers.get("content-encoding", "").strip().lower() in _DECODED
    source = _unpacking(response) if is_coded else response
    body = bytearray()
    while len(body) <= ANSWER_CAP_BYTES:
        piece = source.read(min(ANSWER_CAP_BYTES + 1 - len(body), PIECE_BYTES))
        if not piece:
            if response.length:
                raise IncompleteRead(bytes(body), response.length)
            break
        body += piece
    return bytes(body)


def _unpacking(response: Response) -> urllib3.HTTPResponse:
    headers = {"Content-Encoding": response.headers["content-encoding"]}
    return urllib3.HTTPResponse(response, headers, preload_content=False, decode_content=True)


def _failure(error: Exception, request: Call) -> TransientFailure:
    if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        return TransientFailure(f"The receiver was silent for {request.read_seconds:g} seconds.")
    if isinstance(error, urllib3.exceptions.DecodeError):
        return TransientFailure("The answer's body does not match its Content-Encoding.")
    return TransientFailure(f"No whole answer came: {_innermost(error)}.")


def _innermost(error: BaseException) -> str:
    """Returns the system's own message, without the layers that requests and urllib3 put around it."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
        error = inner
