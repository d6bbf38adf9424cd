"""Bodies that do not come with their head: bounded in time and bytes, and access is checked again while they come.

A caller may lose access between the head of a request and the last byte of its body. Bodies that come together with
their head, as most do, need no second check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import falcon
import falcon.asgi

from api.bodies_under_way import BodiesUnderWay, BodyUnderWay
from api.operations import Operation
from core.principals import Principal
from core.transfers import SLOWEST_BYTES
from services.access.known_keys import REMEMBERED_SECONDS
from services.system import System

LONGEST_SECONDS = 30.0
"""How long a body may take to come; a file has a second more for each `SLOWEST_BYTES` that it may have."""
TRUSTED_SECONDS = 5.0 - REMEMBERED_SECONDS
"""How long access that was checked is believed while a body comes: a key may have been remembered before that."""

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]


class BodyTooSlow(falcon.HTTPError):
    """The body did not come in time. The connection is closed, since the rest of the body may follow on it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            falcon.HTTP_REQUEST_TIMEOUT,
            title="The body came too slowly",
            description=f"The body was not there after {seconds:.0f} seconds. Send it without a break.",
            headers={"Connection": "close"},
        )


@dataclass
class Terms:
    """What a body that was admitted is held to; `checked_at` is on `clock`, `ends_at` on the event loop's."""

    seconds: float
    ends_at: float
    check: Callable[[], Awaitable[None]]
    clock: Callable[[], float]
    checked_at: float
    under_way: BodyUnderWay | None


class Incoming:
    """The rest of one request's body, as it comes."""

    def __init__(self, receive: Receive, first: Event) -> None:
        self._receive = receive
        self._first = len(first.get("body", b""))
        self._terms: Terms | None = None

    def admit(self, terms: Terms) -> None:
        """Let the body come on these terms. Raises as `receive` does."""
        self._terms = terms
        if terms.under_way is not None:
            terms.under_way.take(self._first)

    def end(self) -> None:
        """Count the body no more, once its request is answered."""
        if self._terms is not None and self._terms.under_way is not None:
            self._terms.under_way.end()

    async def receive(self) -> Event:
        """Return what comes next. Raises `BodyTooSlow`, `TooMany`, and what the check raises."""
        terms = self._terms
        if terms is None:  # refused, so that nobody reads it
            return await self._receive()
        try:
            async with asyncio.timeout_at(terms.ends_at):
                event = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(terms.seconds) from None
        if terms.under_way is not None:
            terms.under_way.take(len(event.get("body", b"")))
        if terms.clock() - terms.checked_at >= TRUSTED_SECONDS:
            await terms.check()
            terms.checked_at = terms.clock()
        return event


class Request(falcon.asgi.Request):
    """A request; `incoming` is the rest of its body, None where all of it is there."""

    def __init__(self, scope: Event, receive: Receive, first_event: Event | None = None, options: Any = None) -> None:
        self.incoming: Incoming | None = None
        if first_event is not None and first_event.get("more_body"):
            self.incoming = Incoming(receive, first_event)
            receive = self.incoming.receive
        super().__init__(scope, receive, first_event, options)


class Bodies:
    """The bodies that one process receives."""

    def __init__(self, system: System) -> None:
        self._clock = system.clock
        self._seconds_of_a_file = LONGEST_SECONDS + system.settings.max_upload_bytes / SLOWEST_BYTES
        self._under_way = BodiesUnderWay()

    def admit(
        self, incoming: Incoming, principal: Principal, operation: Operation, check: Callable[[], Awaitable[None]]
    ) -> None:
        """Let a body come; `check` raises once its sender has no access any more. Raises `TooMany`.

        Files are not counted here, since they are not held in memory.
        """
        seconds = self._seconds_of_a_file if operation.takes_file else LONGEST_SECONDS
        ends_at = asyncio.get_running_loop().time() + seconds
        under_way = None if operation.takes_file else self._under_way.begin(principal)
        clock = self._clock.monotonic
        incoming.admit(Terms(seconds, ends_at, check, clock, checked_at=clock(), under_way=under_way))


def of(req: falcon.asgi.Request) -> Incoming | None:
    """Returns the rest of a request's body that is still to come, if any."""
    return req.incoming if isinstance(req, Request) else None
