"""Bodies that do not come with their head: each has its time, and access is checked again while it comes.

Whoever has sent a head may lose their access before they send the last byte. A body that is there at once, as most
are, costs nothing of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import falcon
import falcon.asgi

from api.operations import Operation
from services.access.known_keys import REMEMBERED_SECONDS
from services.system import System

LONGEST_SECONDS = 30.0
"""How long a body may take to come; a file has a second more for each `SLOWEST_FILE_BYTES` that it may have."""
SLOWEST_FILE_BYTES = 32 * 1024
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
class _Terms:
    """What a body that was admitted is held to; `checked_at` is on `clock`, `ends_at` on the event loop's."""

    seconds: float
    ends_at: float
    check: Callable[[], Awaitable[None]]
    clock: Callable[[], float]
    checked_at: float


class Incoming:
    """The rest of one request's body, as it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._terms: _Terms | None = None

    def admit(self, seconds: float, check: Callable[[], Awaitable[None]], clock: Callable[[], float]) -> None:
        """Allow this body so many seconds from now on; `check` raises once its sender has no access any more."""
        ends_at = asyncio.get_running_loop().time() + seconds
        self._terms = _Terms(seconds, ends_at, check, clock, clock())

    async def receive(self) -> Event:
        """Return what comes next. Raises `BodyTooSlow`, and what the check raises."""
        terms = self._terms
        if terms is None:  # refused, so that nobody reads it
            return await self._receive()
        try:
            async with asyncio.timeout_at(terms.ends_at):
                event = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(terms.seconds) from None
        if terms.clock() - terms.checked_at >= TRUSTED_SECONDS:
            await terms.check()
            terms.checked_at = terms.clock()
        return event


class Request(falcon.asgi.Request):
    """A request; `incoming` is the rest of its body, None where all of it is there."""

    def __init__(self, scope: Event, receive: Receive, first_event: Event | None = None, options: Any = None) -> None:
        self.incoming: Incoming | None = None
        if first_event is not None and first_event.get("more_body"):
            self.incoming = Incoming(receive)
            receive = self.incoming.receive
        super().__init__(scope, receive, first_event, options)


class Bodies:
    """The bodies that one process receives."""

    def __init__(self, system: System) -> None:
        self._clock = system.clock
        self._seconds_of_a_file = LONGEST_SECONDS + system.settings.max_upload_bytes / SLOWEST_FILE_BYTES

    def admit(self, incoming: Incoming, operation: Operation, check: Callable[[], Awaitable[None]]) -> None:
        """Let a body come, as `Incoming.admit` says."""
        seconds = self._seconds_of_a_file if operation.takes_file else LONGEST_SECONDS
        incoming.admit(seconds, check, self._clock.monotonic)


def of(req: falcon.asgi.Request) -> Incoming | None:
    """Returns the rest of a request's body that is still to come, if any."""
    return req.incoming if isinstance(req, Request) else None
