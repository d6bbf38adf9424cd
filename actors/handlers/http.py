"""One HTTP call to a receiver, which an abort ends at once in whatever phase it is."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from actors.handlers import connection
from core import headers, urls
from core.errors import PermanentFailure, TransientFailure
from core.networks import PUBLIC, Reach
from core.version import VERSION
from services.runtime import abort_scope

ANSWER_CAP_BYTES = 1024 * 1024
PIECE_BYTES = 16 * 1024

_DEFAULT_HEADERS = {
    "User-Agent": f"Carillon/{VERSION}",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}
_DECODED = frozenset({"gzip", "x-gzip", "deflate"})
_NO_ANSWER = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True)
class Call:
    """A request to send. `connect_seconds` covers lookup, connect and TLS; `read_seconds` each wait after.

    `reach` says where it may go; by itself, to public addresses alone.
    """

    url: str
    body: bytes | None
    headers: Mapping[str, str]
    method: str = "POST"
    connect_seconds: float = 5
    read_seconds: float = 30
    reach: Reach = PUBLIC


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status. Header names have no case; `body` is decoded, at most 1 MiB."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool


def call(request: Call, scope: abort_scope.Scope) -> Answer:
    """Sends the request once and reads the answer; redirects are not followed, cookies not kept.

    Raises `Aborted` as soon as the scope is told to stop, `TransientFailure` when no whole answer came, and
    `PermanentFailure` for a URL, an address, a header or a certificate that is refused. The status is not judged here.
    The limit on the whole call is the caller's, who aborts the scope.
    """
    prepared = _prepared(request)
    with (
        contextlib.closing(connection.Line(request.connect_seconds, request.read_seconds, request.reach)) as line,
        scope.interruptible(line.cut),
    ):
        try:
            answer = _exchange(prepared, line)
        except Exception as error:
            scope.raise_if_aborted()
            if not isinstance(error, _NO_ANSWER):
                raise
            raise _failure(error, request) from error
        # A body that ends with the connection looks whole when the line was cut.
        scope.raise_if_aborted()
        return answer


def _prepared(request: Call) -> requests.PreparedRequest:
    _check_url(request.url)
    _check_headers(request.headers)
    # No session: it would add the environment's proxies and authentication and keep cookies, and even when
    # told not to follow a redirect it reads the redirect's whole body.
    sent = CaseInsensitiveDict(_DEFAULT_HEADERS)
    sent.update(request.headers)
    sent["Connection"] = "close"
    try:
        return requests.Request(request.method, request.url, headers=sent, data=request.body).prepare()
    except (ValueError, urllib3.exceptions.HTTPError) as error:
        raise PermanentFailure(f"The URL {request.url!r} cannot be called: {error}.") from error


def _check_url(text: str) -> None:
    """Refuses what is not plainly a URL to call, also to the parser that later says where to connect."""
    if fault := urls.fault_of(text):
        raise PermanentFailure(f"The URL {fault}")
    try:
        urllib3.util.parse_url(text)
    except urllib3.exceptions.LocationParseError as error:
        raise PermanentFailure(f"The URL {text!r} is not valid: {error}.") from error


def _check_headers(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if fault := headers.fault_of_any_name(name):
            raise PermanentFailure(f"The header {name!r} {fault}")
        if fault := headers.fault_of_value(value):
            raise PermanentFailure(f"The value of the header {name} {fault}")


def _exchange(prepared: requests.PreparedRequest, line: connection.Line) -> Answer:
    with contextlib.closing(connection.LineAdapter(line)) as adapter:
        # The line itself limits connecting; given here, the same limit would hold for sending too.
        response = adapter.send(prepared, stream=True, timeout=line.read_seconds)
        with contextlib.closing(response):
            body = _body(response)
    return Answer(
        status_code=response.status_code,
        headers=response.headers,
        body=body[:ANSWER_CAP_BYTES],
        truncated=len(body) > ANSWER_CAP_BYTES,
    )


def _body(response: requests.Response) -> bytes:
    """Reads a byte more than is kept, at most; urllib3 bounds what is unpacked, not only what is read.

    In small pieces: between two of them the line can be cut, however long one takes to unpack.
    A coding that was not asked for is left as it came: a job that needs no body was delivered all the same.
    """
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    body = bytearray()
    while wanted := ANSWER_CAP_BYTES + 1 - len(body):
        piece = response.raw.read(min(wanted, PIECE_BYTES), decode_content=coding in _DECODED)
        if not piece:  # the end; had the length been greater, this read would have failed
            break
        body += piece
    return bytes(body)


def _failure(error: Exception, request: Call) -> TransientFailure:
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return TransientFailure(f"The receiver was silent for {request.read_seconds:g} seconds.")
    if isinstance(error, urllib3.exceptions.DecodeError):
        return TransientFailure("The answer's body does not match its Content-Encoding.")
    return TransientFailure(f"No whole answer came: {_innermost(error)}.")


def _innermost(error: BaseException) -> str:
    """The system's own words for the fault, without the layers that requests and urllib3 put around it."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
        error = inner
