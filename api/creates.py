"""Create jobs sent one by one, as most applications do: parse on the event loop, store concurrent ones together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from api.threads import Threads
from core.principals import Principal
from services.jobs import accepting
from services.jobs.creator import Creator
from services.jobs.definition import NewJob
from services.system import System
from services.task_types import registry

SMALL_BYTES = 65_536
"""Bodies up to this size are parsed faster than they could be handed to a thread and back."""


class Creates:
    """Stores single jobs for the resources of one process."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads
        self._creator = Creator(system, self._on_loop)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def create(self, principal: Principal, body: bytes, parsed: Callable[[bytes], NewJob]) -> UUID:
        """Store the job of a small body. Returns its id. Raises what `parsed` and `Creator.create` raise."""
        new = parsed(body)
        valid = await self._validated(new) if registry.is_checked(new.task_type) else self._valid(new)
        self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[UUID] = self._loop.create_future()
        self._creator.create(principal, valid, answer)
        return await answer

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        """End the threads when the server stops: Falcon calls this as it does for middleware."""
        self._creator.stop()

    def _on_loop(self, settle: Callable[[], object]) -> None:
        """Give the answers of a group on the event loop, all at once: to wake it for each would cost too much."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)

    async def _validated(self, new: NewJob) -> NewJob:
        return await self._threads.run(self._valid, new)

    def _valid(self, new: NewJob) -> NewJob:
        """Returns the job. Raises if its kind of task refuses its parameters."""
        valid = accepting.validated(self._system, new)
        if not isinstance(valid, NewJob):
            raise valid
        return valid
