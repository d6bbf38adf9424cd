"""Sessions of browsers: how one begins."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import sites
from api.threads import Threads
from services.access import tokens
from services.system import System


async def begin(req: Request, resp: Response, system: System, threads: Threads, token: str) -> None:
    """Give a browser the session of a user who has just logged in.

    The browser's former session ends: somebody who knows its cookie is logged out.
    """
    former = sites.cookie(req, sites.COOKIE)
    if former is not None:
        await threads.run(tokens.end_session, system, former)
    sites.keep_session(req, resp, system.settings, token)
