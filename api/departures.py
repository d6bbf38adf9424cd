"""When the client of an answer without an end leaves: told at once, and not with the next thing that is sent to it.

The server tells it as an event of ASGI. Falcon reads these while it sends events, but heeds this one only after it has
sent another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from falcon.asgi import Request

_DISCONNECT = "http.disconnect"
_KEY = "carillon.departure"  # in the scope of a request

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]


class Departure:
    """Hands on what comes of a request, and calls a function once its client has left."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._has_left = False
        self._act: Callable[[], object] | None = None

    async def receive(self) -> Event:
        """Return what comes next."""
        event = await self._receive()
        if event["type"] == _DISCONNECT and not self._has_left:
            self._has_left = True
            if self._act is not None:
                self._act()
        return event

    def then(self, act: Callable[[], object]) -> None:
        """Call a function, on the event loop, once the client has left; at once if it has."""
        self._act = act
        if self._has_left:
            act()


def watched(scope: dict[str, Any], receive: Receive) -> Receive:
    """Have the departure of a request's client noticed by whatever reads what comes of it."""
    departure = scope[_KEY] = Departure(receive)
    return departure.receive


def of(req: Request) -> Departure:
    """Returns the departure of a request's client."""
    return cast("Departure", req.scope[_KEY])
