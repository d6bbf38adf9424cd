"""Limit the requests of each user, of each key, of each address without either, and of all keys of an app together.

Answers have the RateLimit headers of IETF's draft. Callers with the server's secret are not counted: they are the
operator's own applications, and this server is built for their bursts. Known callers have one quota for all web
processes, and so has an app; an address has one in each, so that strangers cost no query. Reports are not counted
either, since a lost one would cost a run its lease; but lines that are logged are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api.operations import Operation, Required
from api.sites import HEALTH_PATHS
from api.threads import Threads
from core import networks
from core.principals import Principal
from services.access import request_quotas
from services.access.request_quotas import Left, Quotas
from services.access.shared_quotas import SharedQuotas

_LOGGED = re.compile(r"/reports/[^/]+/log")
OF_CALLER, OF_APP = "minute", "app"
_OF_ALL_KEYS = "the quota of this app allows all its keys together"


@dataclass(frozen=True)
class _Counted:
    """What a request has left of one quota, and the name of that quota in its answer."""

    policy: str
    per_minute: int
    left: Left


class RequestQuotas:
    """Counts requests, and says in the answer to each counted one how many are left. No `quotas`: no limit on callers.

    In the one process of an embedded server, callers are counted in memory.
    """

    def __init__(self, quotas: Quotas | None, threads: Threads, shared: SharedQuotas, *, is_embedded: bool) -> None:
        self._quotas = quotas
        self._shared = shared
        self._threads = threads
        self._is_embedded = is_embedded

    async def count(self, req: Request, operation: Operation) -> None:
        """Count a request for an operation, as one of its caller and as one of their app. Raises `TooMany`."""
        if _is_uncounted(req.path, operation):
            return
        counted: list[_Counted] = []
        req.context.quotas_left = counted
        caller: Principal = req.context.principal
        if self._quotas is not None:
            counted.append(_Counted(OF_CALLER, self._quotas.per_minute, await self._left(req, caller, self._quotas)))
            if counted[-1].left.requests < 0:
                raise self._quotas.refusal()
        per_minute = caller.app_requests_per_minute
        if per_minute is not None:
            [app] = caller.memberships
            counted.append(_Counted(OF_APP, per_minute, await self._left_of_all(app.app_id, per_minute)))
            if counted[-1].left.requests < 0:
                raise request_quotas.refusal(per_minute, _OF_ALL_KEYS)

    async def _left(self, req: Request, caller: Principal, quotas: Quotas) -> Left:
        if caller.caller_id is None:
            return quotas.take(networks.place(req.remote_addr or ""))
        if self._is_embedded:
            return quotas.take(caller.caller_id)
        return await self._left_of_all(caller.caller_id, quotas.per_minute)

    async def _left_of_all(self, caller_id: UUID, per_minute: int) -> Left:
        """Returns how much is left of a quota that all web processes share."""
        left = self._shared.at_hand(caller_id, per_minute)
        return await self._threads.run(self._shared.take, caller_id, per_minute) if left is None else left

    async def process_response(self, req: Request, resp: Response, _resource: Any, _well: bool) -> None:
        counted: list[_Counted] = req.context.get("quotas_left") or []
        if counted:
            resp.set_header("RateLimit-Policy", ", ".join(f'"{one.policy}";q={one.per_minute};w=60' for one in counted))
            resp.set_header("RateLimit", ", ".join(_as_header(one) for one in counted))


def _as_header(one: _Counted) -> str:
    return f'"{one.policy}";r={max(one.left.requests, 0)};t={one.left.full_in_seconds}'


def _is_uncounted(path: str, operation: Operation) -> bool:
    if operation.access is Required.RECEIVER:  # the token is checked by the resource, which counts wrong ones
        return _LOGGED.fullmatch(path) is None
    return path in HEALTH_PATHS
