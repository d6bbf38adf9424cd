"""Front ends on other origins (CORS): those that CORS_ORIGINS names may ask with a token, never with a cookie."""

from __future__ import annotations

from typing import Any

import falcon
from falcon.asgi import Request, Response

from core import origins

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
# X-Internal-Secret is left out: who sends it may do everything, so it must not reach a browser.
TAKEN = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, traceparent, tracestate"
SHOWN = "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
_KEPT_SECONDS = "600"


class Origins:
    """Answers preflights before anyone is asked who they are, and lets pages of these origins read the answers.

    Falcon's own middleware would send preflights on to the guard, and leave out Vary.
    """

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed

    def allows(self, req: Request) -> bool:
        """Whether a request comes from a page of one of these origins."""
        origin = req.get_header("Origin")
        return origin is not None and (origins.ANY in self._allowed or origin in self._allowed)

    async def process_request(self, req: Request, resp: Response) -> None:
        if req.method == "OPTIONS" and req.get_header("Access-Control-Request-Method") and self.allows(req):
            resp.status = falcon.HTTP_NO_CONTENT
            resp.set_header("Access-Control-Allow-Methods", METHODS)
            resp.set_header("Access-Control-Allow-Headers", TAKEN)
            resp.set_header("Access-Control-Max-Age", _KEPT_SECONDS)
            resp.complete = True

    async def process_response(self, req: Request, resp: Response, _resource: Any, _well: bool) -> None:
        if not self._allowed:
            return
        resp.append_header("Vary", "Origin")
        if self.allows(req):
            resp.set_header("Access-Control-Allow-Origin", req.get_header("Origin", required=True))
            resp.set_header("Access-Control-Expose-Headers", SHOWN)
