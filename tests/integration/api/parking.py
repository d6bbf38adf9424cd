"""Requests whose body comes in pieces, with something happening before the last one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import falcon.testing

Headers = dict[str, str]


class Answer:
    """An answer as it was sent."""

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self.status: int = sent[0]["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        self.body = b"".join(event.get("body", b"") for event in sent[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Parked:
    """A request whose last byte is sent later."""

    method: str
    path: str
    headers: Headers
    body: bytes

    def ended_after(self, app: Any, meanwhile: Callable[[], object]) -> Answer:
        """The answer, if `meanwhile` is called once all but the last byte was read."""

        async def pieces(number: int) -> dict[str, Any]:
            if number == 0:
                return {"type": "http.request", "body": self.body[:-1], "more_body": True}
            if number == 1:
                await asyncio.to_thread(meanwhile)
                return {"type": "http.request", "body": self.body[-1:], "more_body": False}
            return {"type": "http.disconnect"}

        return in_pieces(app, self.method, self.path, {"Content-Length": str(len(self.body)), **self.headers}, pieces)


def in_pieces(
    app: Any, method: str, path: str, headers: Headers, pieces: Callable[[int], Awaitable[dict[str, Any]]]
) -> Answer:
    """The answer to a request whose events `pieces` returns, by their number."""
    sent: list[dict[str, Any]] = []
    received = iter(range(1_000_000))

    async def receive() -> dict[str, Any]:
        return await pieces(next(received))

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    scope = falcon.testing.create_scope(path=path, method=method, headers=headers, host="127.0.0.1")
    asyncio.run(app(scope, receive, send))
    return Answer(sent)
