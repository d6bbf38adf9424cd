"""Create jobs sent one by one, as most applications do: parse small ones in place, store concurrent ones together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from api import bodies
from api.threads import Threads
from core.principals import Principal
from services.jobs import accepting
from services.jobs.create_batches import CreateBatcher
from services.jobs.definition import NewJob
from services.system import System
from services.task_types import registry

SMALL_BYTES = 65_536
"""Jobs whose bodies have at most this size are stored together with others."""


class Creates:
    """Stores single jobs for the resources of one process."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads
        self._batcher = CreateBatcher(system, self._on_loop)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def create(self, principal: Principal, body: bytes, parsed: Callable[[bytes], NewJob]) -> UUID:
        """Store the job of a small body. Returns its id. Raises what `parsed` and `CreateBatcher.create` raise."""
        valid = await self._validated(principal, body, parsed)
        self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[UUID] = self._loop.create_future()
        self._batcher.create(principal, valid, answer)
        return await answer

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        """End the threads when the server stops: Falcon calls this as it does for middleware."""
        self._batcher.stop()

    def _on_loop(self, settle: Callable[[], object]) -> None:
        """Give the answers of a group on the event loop, all at once: to wake it for each would cost too much."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)

    async def _validated(self, principal: Principal, body: bytes, parsed: Callable[[bytes], NewJob]) -> NewJob:
        """Returns the job of a body; what may take long is done in a thread."""
        if len(body) > bodies.QUICK_BYTES:
            return await self._threads.run(lambda: self._valid(principal, parsed(body)))
        new = parsed(body)
        if registry.is_quick(new.task_type):
            return self._valid(principal, new)
        return await self._threads.run(self._valid, principal, new)

    def _valid(self, principal: Principal, new: NewJob) -> NewJob:
        """Returns the job. Raises if the principal may not make it, or its kind of task refuses its parameters."""
        valid = accepting.validated(principal, self._system, new)
        if not isinstance(valid, NewJob):
            raise valid
        return valid
