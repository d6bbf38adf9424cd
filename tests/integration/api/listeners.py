"""Listeners, as the hub has them."""

from __future__ import annotations

import falcon.testing
from falcon.asgi import Request

from api.live.frames import Telling
from api.live.listeners import Interest, Listener
from api.resources.events import EventsOf
from core.principals import LOCAL, Principal

OF_THE_APP = Interest(app_name="app_a")


def listener(
    resumes_at: str | None = None,
    interest: Interest = OF_THE_APP,
    principal: Principal = LOCAL,
    telling: Telling | None = None,
) -> Listener:
    """One who listens to jobs, unless something else is said."""
    req = Request(falcon.testing.create_scope(), falcon.testing.ASGIRequestEventEmitter())
    req.context.principal = principal
    return Listener(req, telling or EventsOf(("jobs",), None), interest, resumes_at)
