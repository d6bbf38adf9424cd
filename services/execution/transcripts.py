"""The transcript of one HTTP call: its request, the head of its answer, its address, and the time of each phase."""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from core import masking, storable
from core.masking import NOTHING_HIDDEN
from core.urls import URL_LENGTH

BODY_KEPT = 16 * 1024
HEADER_KEPT = 1_000
NAME_KEPT = 200
HEADERS_KEPT = 16 * 1024


class Phase(StrEnum):
    """A phase of a call, in the order in which they come; over a kept connection, the first is `send`."""

    LOOK_UP = "look_up"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"


class Transcript:
    """Records one HTTP call. `mask` hides the secrets that the request was filled with."""

    __slots__ = ("_address", "_answer", "_is_kept", "_marks", "_request", "mask", "text")

    def __init__(self) -> None:
        self.mask = NOTHING_HIDDEN
        self.text: str | None = None
        """The call as JSON, ready to be stored; None if it is not kept."""
        self._request: tuple[str, str, Mapping[str, str], bytes | None] | None = None
        self._answer: tuple[int, Mapping[str, str], int] | None = None
        self._address: str | None = None
        self._is_kept = False
        self._marks: list[tuple[Phase | None, float]] = []

    def sends(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> None:
        """Record the request that is about to be sent."""
        self._request = (method, url, headers, body)

    def enter(self, phase: Phase) -> None:
        """Begin a phase, and so end the one before."""
        self._marks.append((phase, time.monotonic()))

    def reached(self, address: str | None, *, is_kept: bool) -> None:
        """Record the address that is called, and whether a kept connection is used."""
        self._address, self._is_kept = address, is_kept

    def answered(self, status_code: int, headers: Mapping[str, str], size: int) -> None:
        """Record the head of the answer, and the size of its body in bytes."""
        self._answer = (status_code, headers, size)

    def end(self) -> None:
        """End the last phase."""
        self._marks.append((None, time.monotonic()))

    def as_json(self) -> dict[str, Any] | None:
        """Returns the call as it is stored and shown: masked, bodies truncated; None if there was no call."""
        if self._request is None:
            return None
        method, url, headers, body = self._request
        request = {
            "method": method,
            "url": self.mask.text(masking.addresses(url)),
            "headers": self._headers(headers),
            "body": None if body is None else self._body(body),
            "size": len(body or b""),
        }
        answer = None
        if self._answer is not None:
            status_code, headers, size = self._answer
            answer = {"status_code": status_code, "headers": self._headers(headers), "size": size}
        return {
            "request": request,
            "address": self._address,
            "over_kept_connection": self._is_kept,
            "answer": answer,
            "phases": [
                {"name": phase.value, "seconds": round(over - began, 6)} for phase, began, over in self.phases()
            ],
        }

    def phases(self) -> list[tuple[Phase, float, float]]:
        """Returns each phase with its beginning and its end, by the monotonic clock."""
        return [
            (phase, began, following)
            for (phase, began), (_, following) in zip(self._marks, self._marks[1:], strict=False)
            if phase is not None
        ]

    def summary(self) -> tuple[str | None, str | None, str | None, int | None]:
        """Returns method, masked URL, address and status code, each None if there is none."""
        method, url = (None, None) if self._request is None else self._request[:2]
        shown = None if url is None else self.mask.text(masking.addresses(url))
        return method, shown, self._address, None if self._answer is None else self._answer[0]

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        shown = masking.masked(headers)
        if not self.mask.is_empty:  # before anything is truncated, so that no part of a secret remains
            shown = {self.mask.text(name): self.mask.text(value) for name, value in shown.items()}
        return _fitting({name: masking.addresses(value) for name, value in shown.items()})

    def _body(self, body: bytes) -> str:
        begun = self.mask.bytes(body)[: BODY_KEPT + URL_LENGTH]  # so that no address is cut before it is masked
        shown = masking.addresses(begun.decode("utf-8", "replace")).encode()[:BODY_KEPT]
        return storable.text(shown)


def _fitting(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns headers with truncated names and values, as many of the first as fit into the bound for all headers."""
    left, kept = HEADERS_KEPT, {}
    for whole_name, whole_value in headers.items():
        name, value = whole_name[:NAME_KEPT], whole_value[:HEADER_KEPT]
        left -= len(name.encode()) + len(value.encode())
        if left < 0:
            break
        kept[name] = value
    return kept
