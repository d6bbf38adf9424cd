"""Who may come in. Every path is guarded but those listed here as open, so a new route is guarded by default."""

from __future__ import annotations

import hmac
import re

import falcon
from falcon.asgi import Request, Response

import settings as configuration
from api.bodies import BodyTooLarge

OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/swagger"})
OPEN_PREFIX = "/swagger/"
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d*)?")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Refuses what no route should see: wrong hosts, other sites' requests, missing secrets, bodies too large."""

    def __init__(self, settings: configuration.Settings) -> None:
        self._most = settings.max_body_bytes
        self._anonymous = settings.anonymous
        secret = settings.internal_secret
        self._secret = secret.get_secret_value().encode() if secret else b""

    async def process_request(self, req: Request, _resp: Response) -> None:
        if self._anonymous:
            _refuse_other_hosts(req)
        if req.method not in _SAFE_METHODS:
            _refuse_other_sites(req)
        if not self._anonymous and not is_open(req.path):
            self._refuse_wrong_secret(req)
        if (req.content_length or 0) > self._most:
            raise BodyTooLarge(self._most)

    def _refuse_wrong_secret(self, req: Request) -> None:
        given = (req.get_header("X-Internal-Secret") or "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self._secret):
            raise falcon.HTTPUnauthorized(
                description="The header X-Internal-Secret is missing or wrong. Send the server's INTERNAL_SECRET.",
                challenges=["X-Internal-Secret"],
            )


def is_open(path: str) -> bool:
    """Whether anyone may ask for this path."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIX)


def _refuse_other_hosts(req: Request) -> None:
    """Nobody is asked who they are, so only this machine may come: a name that merely resolves to it is a trick."""
    if not configuration.is_loopback(_host_name(req.get_header("Host") or "")):
        raise falcon.HTTPError(
            falcon.HTTP_421,
            description="Without INTERNAL_SECRET the server answers to localhost and loopback addresses alone. "
            "Call it by one of these, or set the secret.",
        )


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    match = _HOST.fullmatch(host.lower())
    return match["name"] if match else ""


def _refuse_other_sites(req: Request) -> None:
    """A page of another site, open in a browser on this machine, may not change anything here."""
    site = req.get_header("Sec-Fetch-Site")
    if site is not None:
        own = site in ("same-origin", "none")
    else:
        origin = req.get_header("Origin")
        own = origin is None or origin.partition("://")[2] == (req.get_header("Host") or "")
    if not own:
        raise falcon.HTTPForbidden(description="A page of another site may not change anything here.")
