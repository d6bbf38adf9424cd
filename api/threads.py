"""Run calls that wait (services, and the database beneath them) in threads of our own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """Runs calls that wait without holding up the event loop; each thread keeps its own database connection."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self.calls = 0  # under way: those beyond the threads wait for one

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function in a thread, within the caller's log context. Returns or raises what it does."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self.count, thread_name_prefix="web")
        call = partial(function, *args, **kwargs)
        self._count(1)
        future = self._executor.submit(contextvars.copy_context().run, call)
        future.add_done_callback(lambda _: self._count(-1))  # a caller who waits no longer does not end the call
        return await asyncio.wrap_future(future)

    def _count(self, change: int) -> None:
        with self._lock:
            self.calls += change

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        """End the threads when the server stops: Falcon calls this as it does for middleware."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
