"""004: the live channel of one's own jobs, which also answers what its client asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from falcon.asgi import Request, WebSocket
from pydantic import Field, TypeAdapter, ValidationError

from api import lists
from api.live.frames import DELETED, RESET, Frame, Pace, Round, Telling, Told
from api.live.hub import Hub
from api.live.listeners import Listener
from api.live.websockets import serve
from api.operations import Required, operation
from api.schemas.values import Given, Shown
from api.sources.deadline_jobs import schema, words
from core.principals import Principal
from core.scopes import Scope

MAX_ASKED = 10
"""Questions of one client that wait for an answer; further ones are not heard."""
_MAX_JOBS = 100
_NOT_UNDERSTOOD = (
    'This is no command. Send {"command": "get_stats"}, or {"command": "get_jobs"}, the latter also with a "status": '
    f"{', '.join(words.STATUSES)}."
)


class UpdatesOfJobs:
    """`/ws/jobs`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @operation(access=Required.ACCOUNT, scope=Scope.READ)
    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        """Tell statistics, at first and when they change, and each job that changes; answer questions."""
        updates = Updates()
        await serve(self._hub, ws, Listener(req, updates), updates.hear)


class GetStatistics(Given):
    """Ask for the statistics."""

    command: Literal["get_stats"]


class GetJobs(Given):
    """Ask for the newest jobs, of one status or of all."""

    command: Literal["get_jobs"]
    status: words.StatusWord | None = None


Question = GetStatistics | GetJobs
_QUESTIONS: TypeAdapter[Question] = TypeAdapter(Annotated[Question, Field(discriminator="command")])


class Update(Shown):
    """A frame."""

    type: Literal["stats", "jobs", "job_update", "reset", "error"]
    data: Any


class Updates(Telling):
    """What was sent to one listener, and what it asked for."""

    def __init__(self) -> None:
        self._statistics = Pace()
        self._heard: list[Question | None] = []
        self._asked: list[Question | None] = []
        self._asked_before: list[Question | None] = []

    def hear(self, text: str) -> None:
        """Note a question, which the next look answers; None is a question that is not understood."""
        if len(self._heard) == MAX_ASKED:
            return
        try:
            self._heard.append(_QUESTIONS.validate_json(text))
        except ValidationError:
            self._heard.append(None)

    def look_begins(self) -> None:
        """Note that a look begins, which answers the questions received before it."""
        self._asked = self._asked_before = [*self._asked, *self._heard]
        self._heard = []

    def look_failed(self) -> None:
        """Answer the same questions, and send the statistics, with the next look."""
        self._asked = self._asked_before
        self._statistics.is_wanted = True

    def begin(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Ask for the first statistics."""
        self._statistics.is_wanted = True
        return ()

    def tell(self, current: Round, principal: Principal, told: Told) -> Sequence[Frame]:
        """Returns a frame for each of these jobs that 004 has."""
        self._statistics.is_wanted = True
        frames = (_job(current, principal, job_id) for job_id in told.jobs)
        return [frame for frame in frames if frame is not None]

    def tell_due(self, current: Round, principal: Principal) -> Sequence[Frame]:
        """Returns the answers, and the statistics if they may have changed."""
        asked, self._asked = self._asked, []
        answers = [_answer(current, principal, question) for question in asked]
        if self._statistics.is_due(current.now):
            answers.append(_statistics(current, principal))
        return answers

    def reset(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns the frame after which the list is to be read again."""
        self._statistics.is_wanted = True
        return [_frame("reset", None, RESET)]


def _answer(current: Round, principal: Principal, question: Question | None) -> Frame:
    match question:
        case GetStatistics():
            return _statistics(current, principal)
        case GetJobs(status=status):
            wanted = words.SOURCE.jobs() if status is None else words.with_status(status)
            found = current.look.newest_jobs(principal, wanted, _MAX_JOBS)
            return _frame("jobs", lists.readable(schema.show, found))
        case None:
            return _frame("error", {"detail": _NOT_UNDERSTOOD})


def _job(current: Round, principal: Principal, job_id: UUID) -> Frame | None:
    def make() -> Frame | None:
        view = current.job(principal, job_id)
        if view is None:
            return _frame("job_update", {"id": job_id, "status": DELETED}, job_id)
        return _frame("job_update", schema.show(view), job_id) if words.SOURCE.owns(view) else None

    return current.frame_once(("004", job_id, principal.account_id), job_id, make)


def _statistics(current: Round, principal: Principal) -> Frame:
    def make() -> Frame:
        return _frame("stats", schema.statistics(current.look.figures(principal)), "stats")

    return current.once(("004 statistics", principal.visible_jobs()), make)


def _frame(kind: str, data: Any, key: object = None) -> Frame:
    return Frame(Update(type=kind, data=data).model_dump_json(), key)  # type: ignore[arg-type]  # words of our own
