"""Run calls that wait (services, and the database beneath them) in threads of our own, which people share."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

P = ParamSpec("P")
R = TypeVar("R")

_A_THIRD = 3

PERSON: ContextVar[UUID | None] = ContextVar("person", default=None)
"""In whose share the calls of this request count: a user's, with all keys that they made; None: in nobody's."""


@dataclass
class _Share:
    """A person's calls: how many have a thread or are next for one, and those that wait until one of these ends."""

    busy: int = 0
    waiting: deque[tuple[Future[Any], Callable[[], Any]]] = field(default_factory=deque)


class Threads:
    """Runs calls that wait without holding up the event loop; each thread keeps its own database connection.

    One person occupies at most `share` of the threads at a time, by default a third, so that many slow requests of one
    person leave room for others. That person's further requests wait, behind those of others.
    """

    def __init__(self, count: int, *, share: int | None = None) -> None:
        self.count = count
        self._share = max(1, count // _A_THIRD) if share is None else share
        self._executor: ThreadPoolExecutor | None = None
        self._shares: dict[UUID, _Share] = {}
        self._lock = threading.Lock()
        self.calls = 0  # under way: those beyond the threads, or a person's share of them, wait for one

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function in a thread, within the caller's log context. Returns or raises what it does."""
        call = partial(contextvars.copy_context().run, partial(function, *args, **kwargs))
        person_id = PERSON.get()
        future = self._for_nobody(call) if person_id is None else self._for_person(person_id, call)
        future.add_done_callback(self._end)  # a caller who waits no longer does not end the call
        return await asyncio.wrap_future(future)

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        """End the threads when the server stops: Falcon calls this as it does for middleware."""
        with self._lock:
            executor, self._executor = self._executor, None
            left = [future for share in self._shares.values() for future, _ in share.waiting]
            self._shares.clear()
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
        for future in left:
            future.cancel()

    def _for_nobody(self, call: Callable[[], R]) -> Future[R]:
        with self._lock:
            self.calls += 1
            return self._threads().submit(call)

    def _for_person(self, person_id: UUID, call: Callable[[], R]) -> Future[R]:
        """Give the call a thread within the person's share, or let it wait for one."""
        future: Future[R] = Future()
        with self._lock:
            self.calls += 1
            share = self._shares.setdefault(person_id, _Share())
            share.waiting.append((future, call))
            if share.busy < self._share:
                share.busy += 1
                self._threads().submit(self._turn, person_id, share)
        return future

    def _turn(self, person_id: UUID, share: _Share) -> None:
        """Carry out the call of a person that has waited longest, if one still waits; then let their next go on."""
        with self._lock:
            first = share.waiting.popleft() if share.waiting else None
        if first is not None:
            _carry_out(*first)
        with self._lock:
            if share.waiting and self._executor is not None:
                self._executor.submit(self._turn, person_id, share)  # behind what others have asked for
                return
            share.busy -= 1
            if not share.busy and self._shares.get(person_id) is share:
                del self._shares[person_id]

    def _threads(self) -> ThreadPoolExecutor:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self.count, thread_name_prefix="web")
        return self._executor

    def _end(self, _future: Future[Any]) -> None:
        with self._lock:
            self.calls -= 1


def _carry_out(future: Future[R], call: Callable[[], R]) -> None:
    """Give a future the result of a call, as an executor does, unless the caller no longer waits for it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  it is raised in the caller that waits
        future.set_exception(error)
    else:
        future.set_result(result)
