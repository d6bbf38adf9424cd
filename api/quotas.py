"""How often one may ask: each user, and each address of those who are no user (RateLimit headers of the IETF's draft).

Who shows the server's secret is not counted: these are applications of the operator's own, and their bursts are what
this server is for. Reports are not counted either, since a lost one would cost a run its lease.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from falcon.asgi import Request, Response

from services.quotas import Left, Quotas

UNCOUNTED_PATHS = ("/healthz", "/readyz")
UNCOUNTED_PREFIXES = ("/reports/", "/internal/")
POLICY = "minute"
_IPV6_PREFIX = 64  # whoever has one IPv6 address has this many bits of them


class RequestQuotas:
    """Counts requests, and tells in each answer to one that is counted how many are left. None: no limit."""

    def __init__(self, quotas: Quotas | None) -> None:
        self._quotas = quotas

    def count(self, req: Request) -> None:
        """Count a request. Raises `TooMany`."""
        if self._quotas is None or req.path in UNCOUNTED_PATHS or req.path.startswith(UNCOUNTED_PREFIXES):
            return
        user = req.context.caller.user
        left = self._quotas.take(_place(req.remote_addr or "") if user is None else user.id)
        req.context.quota_left = left
        if left.requests < 0:
            raise self._quotas.refusal()

    async def process_response(self, req: Request, resp: Response, _resource: Any, _well: bool) -> None:
        left: Left | None = req.context.get("quota_left")
        if left is not None and self._quotas is not None:
            resp.set_header("RateLimit-Policy", f'"{POLICY}";q={self._quotas.per_minute};w=60')
            resp.set_header("RateLimit", f'"{POLICY}";r={max(left.requests, 0)};t={left.full_in_seconds}')


def _place(address: str) -> str:
    """Where a request comes from: its address, of IPv6 the network that one household or host has to itself."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    return str(known.ipv4_mapped or ipaddress.ip_network((int(known), _IPV6_PREFIX), strict=False))
