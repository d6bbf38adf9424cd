"""Send one request over a wire, and read the head of its response."""

from __future__ import annotations

import contextlib
import functools
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import requests
import urllib3

from actors.calls.connection import Line
from actors.calls.response import Response
from actors.calls.wire import Wire
from core import urls
from core.errors import PermanentFailure
from services.execution.transcripts import Phase, Transcript

_SENT_TOGETHER_BYTES = 64 * 1024
_DEFAULT_PORTS = {"http": 80, "https": 443}
_METHODS_WITHOUT_LENGTH = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Target:
    """A URL's parts as a request needs them: where to connect, which host to name, which path to request."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        """Returns the host as in certificates and in the Host header."""
        return self.host.rstrip(".")


class NoFirstByte(OSError):  # noqa: N818  it says what happened
    """The connection ended before the first byte of an answer."""


@functools.lru_cache(1024)
def target_of(url: str) -> Target:
    """Returns the parts of a URL. Raises `PermanentFailure` for a URL that cannot be called.

    Neither the error nor its cause repeats the URL, which may contain a secret.
    """
    if fault := urls.fault_of(url):
        raise PermanentFailure(f"The URL {fault}")
    try:
        urllib3.util.parse_url(url)  # as given, then as corrected by requests
        prepared = requests.Request("GET", url).prepare()
        parts = urllib3.util.parse_url(prepared.url or "")
    except (ValueError, urllib3.exceptions.HTTPError):
        raise PermanentFailure("The URL cannot be called: its host is none; write a name or an address.") from None
    scheme = parts.scheme or "http"
    return Target(scheme, (parts.host or "").strip("[]"), parts.port or _DEFAULT_PORTS[scheme], prepared.path_url)


def open_wire(line: Line, target: Target, context: ssl.SSLContext | None) -> Wire:
    """Connect to a receiver, with TLS if a context for it is given."""
    wire = line.connect(target.host, target.port)
    if context is not None:
        line.transcript.enter(Phase.TLS)
        wire.secure(context, target.name)
    return wire


def ask(
    wire: Wire,
    method: str,
    target: Target,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    transcript: Transcript | None = None,
) -> Response:
    """Send a request and read the head of its response. Raises `NoFirstByte` if no response begins.

    The wire's timeout applies to sending as a whole, and to each wait after it.
    """
    transcript = transcript or Transcript()
    transcript.enter(Phase.SEND)
    try:
        with contextlib.suppress(BrokenPipeError):  # it may have answered before it closed
            _send(wire, _head(method, target, headers, body), body or b"")
        transcript.enter(Phase.WAIT)
        began = wire.reader.peek(1)
    except TimeoutError:
        raise
    except OSError as error:
        raise NoFirstByte(error.errno, error.strerror or str(error)) from error
    if not began:
        raise NoFirstByte("Remote end closed connection without response")
    transcript.enter(Phase.RECEIVE)
    response = Response(wire, method)
    response.begin()
    return response


def _head(method: str, target: Target, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {_host(target)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method not in _METHODS_WITHOUT_LENGTH:
        lines.append(f"Content-Length: {len(body or b'')}")
    return "\r\n".join([*lines, "\r\n"]).encode("iso-8859-1")


def _host(target: Target) -> str:
    name = f"[{target.name}]" if ":" in target.name else target.name
    return name if target.port == _DEFAULT_PORTS[target.scheme] else f"{name}:{target.port}"


def _send(wire: Wire, head: bytes, body: bytes) -> None:
    """Send head and body in one piece, except a body too large to be copied."""
    if len(body) <= _SENT_TOGETHER_BYTES:
        wire.socket.sendall(head + body)
    else:
        wire.socket.sendall(head)
        wire.socket.sendall(body)
