"""Who is asking: a user by a token or a session, or whoever shows the server's secret (nobody has to on loopback).

A user sees their own jobs alone, an administrator those of all. What is not a job's, and not listed here, is for
administrators and for those who show the secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api import guard
from api.sources import words
from api.threads import Threads
from core.accounts import TokenKind
from core.errors import Forbidden, NotFound
from services.access import users
from services.access.users import UserView
from services.reading import records
from services.system import System

SCHEME = "Token"
# What a user may ask for besides their own jobs, each by its id; all of these mind whose jobs are whose.
FOR_USERS = frozenset(
    {
        "/api/jobs",
        "/api/jobs/send-email",
        "/api/jobs/stats",
        "/api/jobs/types",
        "/api/jobs/upload-file",
        "/api/logout",
        "/api/schedules/preview",
        "/api/tasks",
        "/jobs/api/jobs",
        "/jobs/api/jobs/stats",
        "/scheduler/jobs",
    }
)


@dataclass(frozen=True)
class Caller:
    """Who is asking; nobody in particular where there is no user. `is_wrong`: who showed a token that opens nothing."""

    user: UserView | None = None
    is_wrong: bool = False

    @property
    def name(self) -> str:
        """Account and user of the jobs that they make."""
        return words.ANONYMOUS if self.user is None else self.user.username

    @property
    def owner_id(self) -> UUID | None:
        """Whose the jobs are that they make."""
        return None if self.user is None else self.user.id

    @property
    def only(self) -> UUID | None:
        """Whose jobs alone they may see; None for those of all."""
        return None if self.user is None or self.user.is_admin else self.user.id


def of(req: Request) -> Caller:
    """Who sent a request."""
    caller: Caller = req.context.caller
    return caller


def token_of(req: Request) -> str | None:
    """The token that a request shows, else that of its session."""
    if _shows_token(req):
        return (req.auth or "").partition(" ")[2].strip()
    session = req.get_cookie_values(guard.COOKIE)
    return session[0] if session else None


def _shows_token(req: Request) -> bool:
    return (req.auth or "").partition(" ")[0].lower() == SCHEME.lower()


class Callers:
    """Finds out who sends a request, and lets users at their own jobs alone."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    async def process_request(self, req: Request, _resp: Response) -> None:
        req.context.caller = Caller()
        if guard.is_open(req.path):
            return
        token = token_of(req)
        if token is not None:
            kind = TokenKind.TOKEN if _shows_token(req) else TokenKind.SESSION
            user = await self._threads.run(users.known, self._system, token, kind)
            req.context.caller = Caller(user, is_wrong=user is None and kind is TokenKind.TOKEN)

    async def process_resource(self, req: Request, _resp: Response, resource: Any, params: dict[str, Any]) -> None:
        only = of(req).only
        if resource is None or only is None or guard.is_open(req.path) or req.uri_template in FOR_USERS:
            return
        job_id = params.get("job_id")
        if job_id is None:
            raise Forbidden("This path is for administrators, whom the setting ADMIN_USERNAMES names.")
        if await self._threads.run(records.owner, job_id) != only:
            raise NotFound("job", job_id)
