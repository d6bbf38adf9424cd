"""Middleware for every request and answer: ids for the logs, and security headers for browsers."""

from __future__ import annotations

import re
from typing import Any

import structlog
import uuid_utils
from falcon.asgi import Request, Response, WebSocket

from core import trace_context
from core.trace_context import TRACEPARENT, TRACESTATE

_SANE_ID = re.compile(r"[\x21-\x7e]{1,100}")
_NOT_STORED = ("/api/", "/scheduler/", "/jobs/api/")
_PAGES = "/swagger"
_NOTHING_MAY_LOAD = "default-src 'none'; frame-ancestors 'none'"
_OWN_ASSETS_MAY_LOAD = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)


class RequestIds:
    """Gives each request an id (the caller's, if valid), returns it in the answer, and adds it to every log line.

    The lines also name the trace that the request belongs to, if it does.
    """

    async def process_request(self, req: Request, _resp: Response) -> None:
        _identify(req)

    async def process_request_ws(self, req: Request, _ws: WebSocket) -> None:
        _identify(req)

    async def process_response(self, req: Request, resp: Response, _resource: Any, _well: bool) -> None:
        resp.set_header("X-Request-Id", req.context.request_id)


class SecurityHeaders:
    """Lets browsers load only the documentation's own files, frame nothing, and store only answers that allow it."""

    async def process_response(self, req: Request, resp: Response, _resource: Any, _well: bool) -> None:
        page = req.path == _PAGES or req.path.startswith(f"{_PAGES}/")
        if resp.get_header("Content-Security-Policy") is None:  # the dashboard's pages have a policy of their own
            resp.set_header("Content-Security-Policy", _OWN_ASSETS_MAY_LOAD if page else _NOTHING_MAY_LOAD)
        resp.set_header("X-Content-Type-Options", "nosniff")
        if req.path.startswith(_NOT_STORED) and resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", "no-store")


def _identify(req: Request) -> None:
    given = req.get_header("X-Request-Id") or ""
    req.context.request_id = (
        given if _SANE_ID.fullmatch(given) else str(uuid_utils.uuid4())
    )  # Python's own uuid4 releases the GIL
    trace = trace_context.parsed(req.get_header(TRACEPARENT), req.get_header(TRACESTATE))
    req.context.trace = trace
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=req.context.request_id)
    if trace is not None:
        structlog.contextvars.bind_contextvars(trace_id=trace.trace_id)
