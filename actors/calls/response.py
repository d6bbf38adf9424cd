"""Read the response to a request, strictly where its head decides which bytes belong to it.

http.client reads the status line and the body. The headers are read here: the standard library's parser takes longer
than the rest of a call, and believes the first of several lengths.
"""

from __future__ import annotations

import http.client
import io
from http import HTTPStatus

from actors.calls.wire import Wire

_MAX_HEADERS = 100
_LONGEST_LINE = 65_536
_INTERIM = range(100, 200)
_WITHOUT_BODY = frozenset({HTTPStatus.SWITCHING_PROTOCOLS, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Response(http.client.HTTPResponse):
    """One response over a wire. In `headers`, names are in lower case, and repeated ones are joined by commas."""

    headers: dict[str, str]  # type: ignore[assignment]  # a plain dict is faster

    def __init__(self, wire: Wire, method: str) -> None:
        super().__init__(_HasReader(wire.reader), method=method)  # type: ignore[arg-type]  # all that it asks for
        self._is_without_body = method == "HEAD"
        self._is_plain = True  # nothing in its head is ambiguous

    @property
    def leaves_wire_usable(self) -> bool:
        """Whether its body was read to its end and another response may follow it."""
        return self.isclosed() and not self.will_close and not self.length

    def begin(self) -> None:
        """Read the head of the final answer; interim ones are skipped, except 101, after which there is no HTTP."""
        while True:
            version, status, reason = self._read_status()  # type: ignore[attr-defined]  # typeshed leaves it out
            self.headers = self.msg = self._read_headers()  # type: ignore[assignment]
            if status not in _INTERIM or status == HTTPStatus.SWITCHING_PROTOCOLS:
                break
        if not version.startswith(("HTTP/1.", "HTTP/0.9")):
            raise http.client.UnknownProtocol(version)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in {"HTTP/1.0", "HTTP/0.9"} else 11
        self._find_the_end()

    def _find_the_end(self) -> None:
        """Find where the body ends (RFC 9112, section 6.3), and whether the connection ends with it."""
        coding = self.headers.get("transfer-encoding", "").lower()
        self.chunked = coding == "chunked"
        self.chunk_left = None
        length = _length(self.headers.get("content-length", ""))
        self.length = None if self.chunked else length
        if self._is_without_body or self.status in _WITHOUT_BODY:
            self.chunked, self.length = False, 0
        self.will_close = (
            self.version != 11  # noqa: PLR2004  as http.client has it
            or self.status == HTTPStatus.SWITCHING_PROTOCOLS
            or "close" in self.headers.get("connection", "").lower()
            or (self.length is None and not self.chunked)
            or (bool(coding) and length is not None)  # with both, the end is ambiguous
            or not self._is_plain
        )

    def _read_headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        name = ""
        for _ in range(_MAX_HEADERS + 1):
            line = self.fp.readline(_LONGEST_LINE + 1)
            if len(line) > _LONGEST_LINE:
                raise http.client.LineTooLong("header line")
            if line in {b"\r\n", b"\n", b""}:
                self._is_plain = self._is_plain and bool(line)
                return found
            text = line.decode("iso-8859-1")
            if text[0] in " \t" and name:
                found[name] += f" {text.strip()}"
                continue
            name, colon, value = text.partition(":")
            name = name.lower()
            self._is_plain = self._is_plain and bool(colon) and name == name.strip()
            found[name] = f"{found[name]}, {value.strip()}" if name in found else value.strip()
        raise http.client.HTTPException(f"got more than {_MAX_HEADERS} headers")

    def _close_conn(self) -> None:
        """Leave the reader open, which belongs to the wire."""
        self.fp = None  # type: ignore[assignment]


class _HasReader:
    """The part of a socket that http.client uses."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._reader


def _length(text: str) -> int | None:
    """Returns the length in a header, if it is valid. Raises `HTTPException` if there are several."""
    lengths = set(map(str.strip, text.split(",")))
    if len(lengths) > 1:
        raise http.client.HTTPException(f"Content-Length names several lengths: {text}")
    [length] = lengths
    return int(length) if length.isascii() and length.isdecimal() else None
