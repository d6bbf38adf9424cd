"""Slow readers: what waits for a client to read it is not held in memory without an end."""

from __future__ import annotations

import asyncio

from core.transfers import SLOWEST_BYTES

UNREAD_SECONDS = 30.0
"""How long what was written for a client may wait to be read; a second more for each `SLOWEST_BYTES` of it."""
_MUCH_BYTES = 64 * 1024


class Unread:
    """What waits on one connection for its client to read it.

    When much waits, the transport pauses its protocol, and so whatever streams an answer, until nothing does. The
    kernel ends connections whose clients read nothing at all (`limit_unread`), but not those that read a little now
    and then.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        transport.set_write_buffer_limits(high=_MUCH_BYTES, low=0)
        self._transport = transport
        self._loop = loop
        self._ends: asyncio.TimerHandle | None = None

    def bound(self) -> None:
        """Abort the connection, unless what waits now is read in time."""
        if self._ends is None:
            seconds = UNREAD_SECONDS + self._transport.get_write_buffer_size() / SLOWEST_BYTES
            self._ends = self._loop.call_later(seconds, self._transport.abort)

    def bound_no_more(self) -> None:
        """Leave the connection open, since nothing waits any more."""
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
