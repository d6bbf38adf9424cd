"""The hub of a web process: reads changes while it has listeners, and only then."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

import structlog

from api import access
from api.access import Access
from api.live import rounds
from api.live.listeners import End, Listener
from api.live.rounds import FramesByListener
from api.threads import Threads
from core.errors import CarillonError, Unavailable
from core.principals import Principal
from services.changes.looking import Watch
from services.system import System

LOOK_SECONDS = 0.2
MAX_LISTENERS = 2_000
MAX_OF_A_CALLER = 500
RESERVED = 100
"""Of all listeners, so many are kept for administrators and the operator, who look when something is wrong."""
MAX_JOINING = 250  # in one look: if a thousand reconnect at once, the others wait for the next
AT_ONCE = 20  # listeners served before requests get the event loop
_RESTS = 2.0  # times as long as the look took: requests have two thirds of the time
LONGEST_REST_SECONDS = 1.0
_ASK_AGAIN_SECONDS = 3.0  # a listener without access must get nothing after five seconds
_STOPPING = "This process is about to stop; connect again, to another one."
_FAILED = "The live channel failed just now; connect again."
_FULL = "As many listeners are connected to this process as it serves; try again in a moment."
_FULL_OF_CALLER = (
    f"You, or your app, have {MAX_OF_A_CALLER} listeners at this process already; close some, then try again."
)
log = structlog.get_logger()

Joined = asyncio.Future[None]


class Hub:
    """Keeps the listeners, and sends each its changes."""

    def __init__(self, system: System, threads: Threads, admission: Access, stopping: threading.Event) -> None:
        self._clock = system.clock
        self._threads = threads
        self._admission = admission
        self._stopping = stopping
        self._watch = Watch()
        self._listening: set[Listener] = set()
        self._joining: dict[Listener, Joined] = {}
        self._looked_for: Collection[Listener] = ()  # those who join with the look that goes on
        self._asked_at = 0.0
        self._task: asyncio.Task[None] | None = None

    async def join(self, listener: Listener) -> None:
        """Return once the listener gets every change from now on, or since its cursor.

        Raises `NotFound` if it may not see the job that it listens to, `Unavailable` if it cannot be served now.
        """
        if self._stopping.is_set():
            raise Unavailable(_STOPPING)
        self._refuse_too_many(listener)
        joined: Joined = asyncio.get_running_loop().create_future()
        self._joining[listener] = joined
        if self._task is None:
            # It looks for all listeners, so it takes neither the thread share nor the log context of the first one.
            self._task = asyncio.create_task(self._run(), name="live", context=contextvars.Context())
        try:
            await joined
        except BaseException:
            self.leave(listener)
            raise

    def _refuse_too_many(self, listener: Listener) -> None:
        """Raise `Unavailable` if there are too many listeners: in total, or of one user with their keys, key or app."""
        principal = listener.principal
        most = MAX_LISTENERS if principal.sees_all else MAX_LISTENERS - RESERVED
        everyone = {*self._listening, *self._joining, *self._looked_for}
        if len(everyone) >= most:
            raise Unavailable(_FULL)
        for share in listener.shares:
            if sum(share in one.shares for one in everyone) >= MAX_OF_A_CALLER:
                raise Unavailable(_FULL_OF_CALLER)

    def leave(self, listener: Listener) -> None:
        """Remove a listener."""
        self._listening.discard(listener)
        self._joining.pop(listener, None)

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        """Stop looking when the server stops: Falcon calls this as it does for middleware."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        """Look again and again while there are listeners."""
        self._asked_at = self._clock.monotonic()
        try:
            while (self._listening or self._joining) and not self._stopping.is_set():
                began = _now()
                await self._turn()
                await self._rest(rest_after(_now() - began))
        finally:
            self._end_all(End.STOPPING, _STOPPING)
            self._watch.forget()
            self._task = None

    async def _rest(self, seconds: float) -> None:
        """Rest so long, or until the server stops."""
        ends_at = _now() + seconds
        while (left := ends_at - _now()) > 0 and not self._stopping.is_set():  # noqa: ASYNC110  threads wait for it, too
            await asyncio.sleep(min(left, LOOK_SECONDS))

    async def _turn(self) -> None:
        joining = {one: self._joining.pop(one) for one in list(islice(self._joining, MAX_JOINING))}
        self._looked_for = joining
        try:
            for listener in (*self._listening, *joining):
                listener.look_begins()
            await self._ask_again()
            found, cursor = await self._threads.run(self._look, set(self._listening), list(joining))
        except Unavailable as error:  # listeners learn of changes with the next look
            for listener in self._listening:
                listener.look_failed()
            _refuse(joining, error)
        except Exception as error:
            log.exception("live_look_failed")
            _refuse(joining, error)
            self._end_all(End.TRY_AGAIN, _FAILED)
            self._watch.forget()
        else:
            await self._hand_out(found, cursor, joining)
        finally:
            self._looked_for = ()
            _refuse(joining, Unavailable(_STOPPING))  # unless they have their answer

    def _look(self, listening: Collection[Listener], joining: Collection[Listener]) -> tuple[FramesByListener, str]:
        with self._watch.look() as look:
            return rounds.carry_out(look, self._clock.monotonic(), listening, joining), str(look.now)

    async def _hand_out(self, found: FramesByListener, cursor: str, joining: Mapping[Listener, Joined]) -> None:
        handed = 0
        for listener, frames in found.items():
            joined = joining.get(listener)
            if isinstance(frames, CarillonError):
                self._refuse_one(listener, joined, frames)
            elif joined is None or not joined.done():
                listener.offer(frames, cursor)
                if joined is not None:
                    self._listening.add(listener)
                    joined.set_result(None)
                handed += bool(frames) or joined is not None
                if handed == AT_ONCE:
                    handed = 0
                    await asyncio.sleep(0)

    async def _ask_again(self) -> None:
        """Authenticate the listeners' tokens again, at most every few seconds."""
        now = self._clock.monotonic()
        if now - self._asked_at < _ASK_AGAIN_SECONDS:
            return
        self._asked_at = now
        asked = {one: token for one in self._listening if (token := access.token_of(one.req)) is not None}
        if not asked:
            return
        found = await self._admission.again({token: one.req for one, token in asked.items()})
        for listener, token in asked.items():
            self._go_on(listener, found.get(token))

    def _go_on(self, listener: Listener, principal: Principal | None) -> None:
        if principal is None:
            self.leave(listener)
            listener.end(End.NOT_ALLOWED)
        else:
            listener.listen_as(principal)

    def _refuse_one(self, listener: Listener, joined: Joined | None, error: CarillonError) -> None:
        if joined is None:
            self.leave(listener)
            listener.end(End.TRY_AGAIN)
        elif not joined.done():
            joined.set_exception(error)

    def _end_all(self, why: End, words: str) -> None:
        _refuse(self._joining, Unavailable(words))
        for listener in self._listening:
            listener.end(why)
        self._listening.clear()
        self._joining.clear()


def rest_after(took: float) -> float:
    """Returns how long to rest after a look that took the given number of seconds."""
    return min(max(LOOK_SECONDS, _RESTS * took), LONGEST_REST_SECONDS)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _refuse(joining: Mapping[Listener, Joined], error: Exception) -> None:
    for joined in joining.values():
        if not joined.done():
            joined.set_exception(error)
