"""Listeners: each has a bounded queue of frames, in which a newer state of a job or run replaces an older one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from falcon.asgi import Request

from api import access
from api.live.allowances import Allowance
from api.live.frames import Frame, Telling
from core.cursors import Cursor
from core.principals import Principal, VisibleJobs

MAX_FRAMES = 1_000
MAX_CHARACTERS = 16 * 1024 * 1024
"""Of frames that wait to be sent; those of one look are queued even so, since they are the same for many listeners."""
AT_ONCE = 64 * 1024
"""Characters: with so many, the frames are sent that have been taken from a queue."""


class End(Enum):
    """Why a channel ends: the code with which a WebSocket is closed."""

    STOPPING = 1001
    NOT_ALLOWED = 1008
    TRY_AGAIN = 1013  # also for slow readers


@dataclass(frozen=True)
class Interest:
    """What somebody listens to: one job, the jobs of one app, or all that they may see."""

    job_id: UUID | None = None
    app_name: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self.job_id is None and self.app_name is None


EVERYTHING = Interest()


@dataclass(frozen=True)
class Audience:
    """Listeners that get the same jobs and runs: they have the same interest, and may see the same."""

    interest: Interest
    seen: VisibleJobs | None
    wants_jobs: bool
    wants_runs: bool


class Listener:
    """One open channel; all but what `telling` does happens on the event loop."""

    def __init__(
        self, req: Request, telling: Telling, interest: Interest = EVERYTHING, resumes_at: str | None = None
    ) -> None:
        self.req = req
        self.telling = telling
        self.interest = interest
        self.listen_as(access.principal(req))
        self.shares = self.principal.shares  # asked of every listener whenever one joins
        self.allowance = Allowance()
        self.resumes_at = None if resumes_at is None else Cursor.parsed(resumes_at)
        self.brings_unreadable_cursor = resumes_at is not None and self.resumes_at is None
        self.cursor = ""
        self._ended: End | None = None
        self._has_dropped = False
        self._frames: dict[object, Frame] = {}
        self._characters = 0
        self._changed = asyncio.Event()

    @property
    def is_up_to_date(self) -> bool:
        """Whether everything up to `cursor` was taken: nothing waits, and nothing was dropped."""
        return not self._frames and not self._has_dropped

    def listen_as(self, principal: Principal) -> None:
        """Send from now on what this principal may see."""
        self.principal = principal
        wants_jobs, wants_runs = self.telling.wants_jobs, self.telling.wants_runs
        self.audience = Audience(self.interest, principal.seen_jobs, wants_jobs, wants_runs)

    def look_begins(self) -> None:
        """Note that a look begins."""
        self.telling.look_begins()
        self.allowance.look_begins()

    def look_failed(self) -> None:
        """Take back what was noted as sent since the look began: nothing was."""
        self.telling.look_failed()
        self.allowance.look_failed()

    def offer(self, frames: Iterable[Frame], cursor: str) -> None:
        """Queue frames that bring the listener up to the cursor."""
        is_slow = bool(self._frames)  # earlier frames are still waiting
        for frame in frames:
            key = object() if frame.key is None else frame.key
            self._take(key)
            self._frames[key] = frame
            self._characters += len(frame.text)
        self.cursor = cursor
        if len(self._frames) > MAX_FRAMES or (is_slow and self._characters > MAX_CHARACTERS):
            self.end(End.TRY_AGAIN)
        elif self._frames:
            self._changed.set()

    def end(self, why: End) -> None:
        """End the channel; queued frames are sent first only if the server stops."""
        self._ended = self._ended or why
        if why is not End.STOPPING:
            self._has_dropped = self._has_dropped or bool(self._frames)
            self._frames.clear()
            self._characters = 0
        self._changed.set()

    async def next(self, seconds: float) -> Sequence[Frame] | End:
        """Returns the next frames, or why the channel ends; no frames if neither comes within the given seconds."""
        if not self._frames and self._ended is None:
            self._changed.clear()
            wake_up = asyncio.get_running_loop().call_later(seconds, self._changed.set)
            try:
                await self._changed.wait()
            finally:
                wake_up.cancel()
        return self._taken() or self._ended or ()

    def _taken(self) -> Sequence[Frame]:
        """Take the frames that have waited longest, as many as are sent together."""
        taken: list[Frame] = []
        room = AT_ONCE
        while self._frames and room > 0:
            frame = self._take(next(iter(self._frames)))
            assert frame is not None  # noqa: S101  it was the first
            room -= len(frame.text)
            taken.append(frame)
        return taken

    def _take(self, key: object) -> Frame | None:
        frame = self._frames.pop(key, None)
        self._characters -= 0 if frame is None else len(frame.text)
        return frame
