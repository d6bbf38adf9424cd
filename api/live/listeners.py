"""Listeners: each has a bounded queue of frames, in which a newer state of a job or run takes the place of an older."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from falcon.asgi import Request

from api import access
from api.live.allowances import Allowance
from api.live.frames import Frame, Telling
from core import names
from core.cursors import Cursor

MOST_FRAMES = 1_000


class End(Enum):
    """Why a channel ends: the code with which a WebSocket is closed."""

    STOPPING = 1001
    NOT_ALLOWED = 1008
    TRY_AGAIN = 1013  # also for who reads too slowly


@dataclass(frozen=True)
class Interest:
    """What somebody listens to: one job, the jobs of one app, or all that they may see."""

    job_id: UUID | None = None
    app_name: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self.job_id is None and self.app_name is None

    def includes(self, app_name: str) -> bool:
        """Whether the jobs of an app are listened to."""
        return self.app_name is None or names.folded(self.app_name) == names.folded(app_name)


EVERYTHING = Interest()


class Listener:
    """One open channel; all but what `telling` does happens on the event loop."""

    def __init__(
        self, req: Request, telling: Telling, interest: Interest = EVERYTHING, resumes_at: str | None = None
    ) -> None:
        self.req = req
        self.principal = access.principal(req)
        self.telling = telling
        self.interest = interest
        self.allowance = Allowance()
        self.resumes_at = None if resumes_at is None else Cursor.parsed(resumes_at)
        self.brings_unreadable_cursor = resumes_at is not None and self.resumes_at is None
        self.cursor = ""
        self._ended: End | None = None
        self._has_dropped = False
        self._frames: dict[object, Frame] = {}
        self._changed = asyncio.Event()

    @property
    def is_up_to_date(self) -> bool:
        """Whether everything up to `cursor` was taken: nothing waits, and nothing was dropped."""
        return not self._frames and not self._has_dropped

    def offer(self, frames: Iterable[Frame], cursor: str) -> None:
        """Queue frames, with which everything up to the cursor is told."""
        for frame in frames:
            key = object() if frame.key is None else frame.key
            self._frames.pop(key, None)
            self._frames[key] = frame
        self.cursor = cursor
        if len(self._frames) > MOST_FRAMES:
            self.end(End.TRY_AGAIN)
        elif self._frames:
            self._changed.set()

    def end(self, why: End) -> None:
        """End the channel; only if the server stops, what is queued is told before."""
        self._ended = self._ended or why
        if why is not End.STOPPING:
            self._has_dropped = self._has_dropped or bool(self._frames)
            self._frames.clear()
        self._changed.set()

    async def next(self, seconds: float) -> Frame | End | None:
        """Returns the next frame, or why the channel ends; None if neither comes within so many seconds."""
        if not self._frames and self._ended is None:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                return None
        return self._frames.pop(next(iter(self._frames))) if self._frames else self._ended
