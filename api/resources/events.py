"""Events: changes as server-sent events."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from falcon.asgi import Request, Response, SSEvent
from falcon.media import BaseHandler
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api import departures, validation
from api.live.frames import DELETED, RESET, Frame, Pace, Round, Telling, Told
from api.live.hub import Hub
from api.live.listeners import End, Interest, Listener
from api.openapi import documented
from api.operations import Required, operation
from api.schemas.figures import JobStatistics
from api.schemas.jobs import Job
from api.schemas.paging import Filter, Query
from api.schemas.runs import Run
from core.filters import JobFilter
from core.principals import Principal
from core.scopes import Scope

COMMENT_SECONDS = 15.0
_BACK_AFTER_MS = (1_000, 2_000)
_STREAM = "text/event-stream"
_NOT_KEPT_BACK = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}

Topic = Literal["jobs", "runs", "stats"]


def _split(given: object) -> object:
    return given.split(",") if isinstance(given, str) else given


class EventsQuery(Query):
    """Which events to send: of one job or one app, on which topics; by default of all jobs, on `jobs`."""

    job: UUID | None = None
    app: Filter | None = None
    topics: Annotated[tuple[Topic, ...], BeforeValidator(_split), Field(min_length=1)] = ("jobs",)

    def interest(self) -> Interest:
        """Returns the caller's interest."""
        return Interest(self.job, self.app)


class LastEventId(BaseModel):
    """The cursor of the last event that was received, after which to continue: an `id:` of an earlier stream."""

    model_config = ConfigDict(frozen=True)

    cursor: Annotated[str | None, Field(alias="Last-Event-ID")] = None


class Events:
    """`/api/events`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @documented(
        "listenToEvents",
        "events",
        {200: None},
        access=Required.ACCOUNT,
        scope=Scope.READ,
        query=EventsQuery,
        headers=LastEventId,
        media=_STREAM,
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """Stream changes from now on, or since the cursor in Last-Event-ID."""
        query = validation.query(EventsQuery, req.params)
        told = EventsOf(query.topics, query.app)
        listener = Listener(req, told, query.interest(), req.get_header("Last-Event-ID"))
        await self._hub.join(listener)
        departures.of(req).then(partial(self._leave, listener))
        resp.set_headers(_NOT_KEPT_BACK)
        resp.sse = self._events(listener)

    @operation(access=Required.ACCOUNT, scope=Scope.READ)
    async def on_head(self, req: Request, resp: Response) -> None:
        """Answer as GET would, without events."""
        validation.query(EventsQuery, req.params)
        resp.set_headers(_NOT_KEPT_BACK)
        resp.content_type = _STREAM

    async def _events(self, listener: Listener) -> AsyncIterator[SSEvent]:
        """Yield events; the cursor comes with each after which nothing is left to be told."""
        try:
            cursor = listener.cursor if listener.is_up_to_date else None  # missed changes are still to be sent
            yield SSEvent(comment="listening", event_id=cursor, retry=random.randint(*_BACK_AFTER_MS))  # noqa: S311
            while not isinstance(frames := await listener.next(COMMENT_SECONDS), End):
                cursor = listener.cursor if listener.is_up_to_date else None
                yield _Written(frames, cursor) if frames else SSEvent(comment="nothing new", event_id=cursor)
        finally:
            self._hub.leave(listener)

    def _leave(self, listener: Listener) -> None:
        """Give the place of a listener away whose client has left, and end its stream, which nobody reads."""
        self._hub.leave(listener)
        listener.end(End.TRY_AGAIN)


class _Written(SSEvent):
    """Events that are sent together; the cursor comes with the last of them."""

    def __init__(self, frames: Sequence[Frame], cursor: str | None) -> None:
        self._frames = frames
        self._cursor = cursor

    def serialize(self, _handler: BaseHandler | None = None) -> bytes:
        """Returns their bytes; Falcon writes one event at a time, and makes its bytes again for each listener."""
        *before, last = [frame.as_event for frame in self._frames]
        return b"".join([*before, b"" if self._cursor is None else f"id: {self._cursor}\n".encode(), last])


class EventsOf(Telling):
    """The events of one listener: jobs and runs as the API shows them, and statistics."""

    def __init__(self, topics: Sequence[Topic], app_name: str | None) -> None:
        self.wants_jobs = "jobs" in topics
        self.wants_runs = "runs" in topics
        self._statistics = Pace() if "stats" in topics else None
        self._counted = JobFilter(app_name=app_name)

    def look_failed(self) -> None:
        """Send the statistics with the next look."""
        self._note_change()

    def begin(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Ask for the first statistics."""
        self._note_change()
        return ()

    def tell(self, current: Round, principal: Principal, told: Told) -> Sequence[Frame]:
        """Returns the newest state of each job and run."""
        self._note_change()

        def make() -> Sequence[Frame]:
            jobs = [_job(current, principal, one) for one in told.jobs] if self.wants_jobs else []
            runs = [_run(current, one) for one in told.runs]
            return [frame for frame in (*jobs, *runs) if frame is not None]

        return current.once(("events", told, principal.account_id), make)

    def tell_due(self, current: Round, principal: Principal) -> Sequence[Frame]:
        """Returns the statistics if they may have changed."""
        if self._statistics is None or not self._statistics.is_due(current.now):
            return ()

        def make() -> Frame:
            counted = JobStatistics.model_validate(current.look.statistics(principal, self._counted))
            return _frame(current, "stats", "stats", counted)

        name = self._counted.app_name
        of = name and current.once(("app", name), lambda: current.look.app_id(name))
        # Whatever the spelling of an app's name, its statistics are read once; of those that are not there, too.
        return [current.once(("stats", principal.visible_jobs(), name is None, of), make)]

    def reset(self, current: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns the event that asks the client to reload."""
        self._note_change()
        return [Frame(f'{{"as_of":{current.look.as_of}}}', RESET, RESET)]

    def _note_change(self) -> None:
        if self._statistics is not None:
            self._statistics.is_wanted = True


def _job(current: Round, principal: Principal, job_id: UUID) -> Frame | None:
    def make() -> Frame:
        view = current.job(principal, job_id)
        return _frame(current, "job", job_id, _Deleted(id=job_id) if view is None else Job.model_validate(view))

    return current.frame_once(("job event", job_id, principal.account_id), job_id, make)


def _run(current: Round, run_id: UUID) -> Frame | None:
    def make() -> Frame | None:
        view = current.run(run_id)
        return None if view is None else _frame(current, "run", run_id, Run.model_validate(view))

    return current.frame_once(("run event", run_id), run_id, make)


def _frame(current: Round, event: str, key: object, shown: BaseModel) -> Frame:
    return Frame(f'{{"as_of":{current.look.as_of},"{event}":{shown.model_dump_json()}}}', (event, key), event)


class _Deleted(BaseModel):
    id: UUID
    status: str = DELETED
