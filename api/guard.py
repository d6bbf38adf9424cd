"""Who may come in. Every path is guarded but those listed here as open, so a new route is guarded by default."""

from __future__ import annotations

import hmac
import re

import falcon
from falcon.asgi import Request, Response

from api.bodies import BodyTooLarge
from api.forms import OVERHEAD_BYTES
from api.origins import Origins
from api.quotas import RequestQuotas
from core import networks
from settings import Settings

COOKIE = "carillon_session"
ACCOUNT_PATHS = ("/register", "/login", "/logout", "/api/register", "/api/login")
UPLOAD_PATH = "/api/jobs/upload-file"
OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/swagger", *ACCOUNT_PATHS})
HEALTH_PATHS = ("/healthz", "/readyz")
OPEN_PREFIXES = ("/swagger/", "/reports/", "/files/", "/internal/spool/")  # but the first show a token of their own
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d*)?")
_EDITS = ("PUT", "PATCH")  # may be as large as what they edit, so their resources measure them
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Refuses what no route should see: wrong hosts, other sites' requests, too many, strangers', too large ones."""

    def __init__(self, settings: Settings, quotas: RequestQuotas, origins: Origins) -> None:
        self._origins = origins
        self._quotas = quotas
        self._most = settings.max_body_bytes
        self._most_of_a_form = settings.max_upload_bytes + OVERHEAD_BYTES
        self._anonymous = settings.anonymous
        secret = settings.internal_secret
        self._secret = secret.get_secret_value().encode() if secret else b""

    async def process_request(self, req: Request, _resp: Response) -> None:
        if self._anonymous and not _is_old_checker(req):
            _refuse_other_hosts(req)
        if req.method not in _SAFE_METHODS and not self._is_invited(req):
            _refuse_other_sites(req)
        shows_secret = self._shows_secret(req)
        req.context.trusted = self._anonymous or shows_secret
        if not shows_secret:
            self._quotas.count(req)
        if not is_open(req.path):
            _refuse_strangers(req)
        most = self._most_of_a_form if req.path == UPLOAD_PATH else self._most
        if req.method not in _EDITS and (req.content_length or 0) > most:
            raise BodyTooLarge(most)

    def _is_invited(self, req: Request) -> bool:
        """Whether a page of a named origin asks, and not with the session that a browser adds by itself."""
        return self._origins.allows(req) and not req.get_cookie_values(COOKIE)

    def _shows_secret(self, req: Request) -> bool:
        given = (req.get_header("X-Internal-Secret") or "").encode("latin-1", "replace")
        return not self._anonymous and hmac.compare_digest(given, self._secret)


def is_open(path: str) -> bool:
    """Whether anyone may ask for this path."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def unauthorized(description: str) -> falcon.HTTPUnauthorized:
    """The refusal of someone we do not know."""
    return falcon.HTTPUnauthorized(description=description, challenges=["Token"])


def _refuse_strangers(req: Request) -> None:
    caller = req.context.caller
    if caller.is_wrong:
        raise unauthorized("The token is wrong or has expired. Log in anew with POST /api/login/.")
    if req.context.trusted or caller.user is not None:
        return
    raise falcon.HTTPUnauthorized(
        description="The header X-Internal-Secret is missing or wrong. Send the server's INTERNAL_SECRET, "
        "or the token of a user as Authorization: Token.",
        challenges=["X-Internal-Secret", "Token"],
    )


def _is_old_checker(req: Request) -> bool:
    """Whether a health checker asks that names no host at all, as HTTP/1.0 allows; no browser does that."""
    return req.path in HEALTH_PATHS and not req.get_header("Host")


def _refuse_other_hosts(req: Request) -> None:
    """Nobody is asked who they are, so only this machine may come: a name that merely resolves to it is a trick."""
    if not networks.is_loopback(_host_name(req.get_header("Host") or "")):
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
