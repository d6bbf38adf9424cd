"""A span for each request, named by the template of its route, as a child of what the request says it belongs to."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import structlog
from falcon.asgi import Request, Response

from api.sites import HEALTH_PATHS
from services.runtime.clock import Clock
from services.runtime.spans import Attribute, Beginning, Kind, Span, Tracer, unharmed

_NOT_TRACED = frozenset({*HEALTH_PATHS, "/metrics"})
_CONVERTER = re.compile(r":[^{}]*}")


class RequestSpans:
    """Begins a span with each request and ends it with the answer; what the request makes continues it."""

    def __init__(self, tracer: Tracer, clock: Clock) -> None:
        self._tracer = tracer
        self._clock = clock

    async def process_request(self, req: Request, _resp: Response) -> None:
        if req.path in _NOT_TRACED:
            return
        about: dict[str, Attribute] = {
            "http.request.method": req.method,
            "url.scheme": req.scheme,
            "url.path": req.path,
            "carillon.request.id": req.context.request_id,
        }
        with unharmed():
            beginning = Beginning(req.method, self._clock.now(), Kind.SERVER, req.context.trace, attributes=about)
            span = req.context.span = self._tracer.begin(beginning)
            req.context.trace = span.context
            structlog.contextvars.bind_contextvars(trace_id=span.context.trace_id)

    async def process_response(self, req: Request, resp: Response, _resource: Any, _well: bool) -> None:
        span: Span | None = req.context.get("span")
        if span is None:
            return
        about: dict[str, Attribute] = {"http.response.status_code": resp.status_code}
        if req.uri_template is not None:
            about["http.route"] = _CONVERTER.sub("}", req.uri_template)
        is_fault = resp.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        with unharmed():
            if "http.route" in about:
                span.rename(f"{req.method} {about['http.route']}")
            span.end(self._clock.now(), about, HTTPStatus(resp.status_code).phrase if is_fault else None)
