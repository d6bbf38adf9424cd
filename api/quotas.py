"""Limit the requests of each user, of each key, and of each address without either (RateLimit headers of IETF's draft).

Callers with the server's secret are not counted: they are the operator's own applications, and this server is built
for their bursts. Known callers have one quota for all web processes; an address has one in each, so that strangers cost
no query. Reports are not counted either, since a lost one would cost a run its lease; but lines that are logged are.
"""

from __future__ import annotations

import re
from typing import Any

from falcon.asgi import Request, Response

from api.sites import HEALTH_PATHS
from api.threads import Threads
from core import networks
from services.access.request_quotas import Left, Quotas
from services.access.shared_quotas import SharedQuotas

UNCOUNTED_PREFIXES = ("/reports/", "/internal/")
_LOGGED = re.compile(r"/reports/[^/]+/log")
POLICY = "minute"


class RequestQuotas:
    """Counts requests, and says in the answer to each counted one how many are left. None: no limit."""

    def __init__(self, quotas: Quotas | None, threads: Threads, shared: SharedQuotas | None = None) -> None:
        self._quotas = quotas
        self._shared = shared
        self._threads = threads

    async def count(self, req: Request) -> None:
        """Count a request. Raises `TooMany`."""
        if self._quotas is None or _is_uncounted(req.path):
            return
        left = req.context.quota_left = await self._left(req, self._quotas)
        if left.requests < 0:
            raise self._quotas.refusal()

    async def _left(self, req: Request, quotas: Quotas) -> Left:
        caller_id = req.context.principal.caller_id
        if caller_id is None:
            return quotas.take(networks.place(req.remote_addr or ""))
        if self._shared is None:
            return quotas.take(caller_id)
        left = self._shared.at_hand(caller_id)
        return await self._threads.run(self._shared.take, caller_id) if left is None else left

    async def process_response(self, req: Request, resp: Response, _resource: Any, _well: bool) -> None:
        left: Left | None = req.context.get("quota_left")
        if left is not None and self._quotas is not None:
            resp.set_header("RateLimit-Policy", f'"{POLICY}";q={self._quotas.per_minute};w=60')
            resp.set_header("RateLimit", f'"{POLICY}";r={max(left.requests, 0)};t={left.full_in_seconds}')


def _is_uncounted(path: str) -> bool:
    return path in HEALTH_PATHS or (path.startswith(UNCOUNTED_PREFIXES) and _LOGGED.fullmatch(path) is None)
