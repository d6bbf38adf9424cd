"""000: the live channel of one job, with the events of its log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from falcon.asgi import Request, WebSocket

from api.live.frames import DELETED, Frame, Round, Telling, Told
from api.live.hub import Hub
from api.live.listeners import Interest, Listener
from api.live.websockets import serve
from api.operations import Required, operation
from api.schemas.values import Shown
from api.sources.callbacks import words
from core.principals import Principal
from core.scopes import Scope
from services.reading.views import JobWithLog, LogEntry


class UpdatesOfJob:
    """`/ws/jobs/{job_id}`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @operation(access=Required.JOB, scope=Scope.READ)
    async def on_websocket(self, req: Request, ws: WebSocket, job_id: UUID) -> None:
        """Tell the status of a job when it changes, and each event of its log."""
        await serve(self._hub, ws, Listener(req, Updates(job_id), Interest(job_id)))


class LogTold(Shown):
    """An event of a job's log."""

    event_type: str
    metadata: dict[str, Any]
    created_at: datetime


class JobUpdate(Shown):
    """A frame: the status of the job, and what happened; `log` is null if its log has nothing new."""

    event: Literal["job_update"] = "job_update"
    status: str
    log: LogTold | None = None


class Updates(Telling):
    """The frames of a job for one listener: each event of its log once, and only the newest status."""

    tells_long_values = False

    def __init__(self, job_id: UUID) -> None:
        self._job_id = job_id
        self._entries: list[LogEntry] = []
        self._entries_before: list[LogEntry] = []

    def look_begins(self) -> None:
        """Keep which events were sent before."""
        self._entries_before = self._entries

    def look_failed(self) -> None:
        """Send the events that this look has read with the next one."""
        self._entries = self._entries_before

    def begin(self, current: Round, principal: Principal) -> Sequence[Frame]:
        """Note which events were before."""
        key = ("events", self._job_id, principal.account_id)
        self._entries = current.once(key, lambda: current.look.log_of(principal, self._job_id))
        return ()

    def tell(self, current: Round, principal: Principal, _told: Told) -> Sequence[Frame]:
        """Returns a frame for each new event, the first one first; if there is none, one with the status."""
        found = self._found(current, principal)
        if found is None:
            return [_frame(JobUpdate(status=DELETED))]
        status = words.status_word(found)
        new = [entry for entry in reversed(found.entries) if entry not in self._entries]
        self._entries = found.entries
        events = [JobUpdate(status=status, log=LogTold.model_validate(entry)) for entry in new]
        return list(map(_frame, events or [JobUpdate(status=status)]))

    def reset(self, current: Round, principal: Principal) -> Sequence[Frame]:
        """Returns what `tell` returns: the log has what was missed."""
        return self.tell(current, principal, Told())

    def _found(self, current: Round, principal: Principal) -> JobWithLog | None:
        """Returns the job with its log; None if it was deleted."""

        def read() -> JobWithLog | None:
            view = current.job(principal, self._job_id)
            return None if view is None else current.look.with_log(principal, view)

        return current.once(("log", self._job_id, principal.account_id), read)


def _frame(update: JobUpdate) -> Frame:
    return Frame(update.model_dump_json(), key="status" if update.log is None else None)
