"""001: the live channel of the statuses of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from falcon.asgi import Request, WebSocket

from api.live.frames import DELETED, RESET, Frame, Round, Telling, Told
from api.live.hub import Hub
from api.live.listeners import Listener
from api.live.websockets import serve
from api.operations import Required, operation
from api.schemas.values import Shown
from api.sources.typed_jobs import words
from core.principals import Principal
from core.scopes import Scope


class StatusesOfJobs:
    """`/ws/jobs/status`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @operation(access=Required.ACCOUNT, scope=Scope.READ)
    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        """Tell the status and the result of each job that changes."""
        await serve(self._hub, ws, Listener(req, Statuses()))


class StatusOfJob(Shown):
    """A frame: a job's status and result; of a deleted one the status `deleted`; without id: read the list again."""

    id: UUID | None
    status: str
    result: Any = None


class Statuses(Telling):
    """What a listener is sent: the newest status of each job."""

    def tell(self, current: Round, principal: Principal, told: Told) -> Sequence[Frame]:
        """Returns a frame for each of these jobs."""
        frames = (_frame(current, principal, job_id) for job_id in told.jobs)
        return [frame for frame in frames if frame is not None]

    def reset(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns the frame after which the list is to be read again."""
        return [Frame(StatusOfJob(id=None, status=RESET).model_dump_json(), RESET)]


def _frame(current: Round, principal: Principal, job_id: UUID) -> Frame | None:
    def make() -> Frame:
        view = current.job(principal, job_id)
        if view is None:
            told = StatusOfJob(id=job_id, status=DELETED)
        else:
            status = words.status_in_lists(view.app_name, view.status)
            told = StatusOfJob(id=job_id, status=status, result=words.aliases(view)["result"])
        return Frame(told.model_dump_json(), job_id)

    return current.frame_once(("status", job_id, principal.account_id), job_id, make)
