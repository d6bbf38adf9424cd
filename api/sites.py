"""Where a request may come from: which hosts it may name, and which sites' pages may send it."""

from __future__ import annotations

import functools
import re
from urllib.parse import urlsplit

import falcon
from falcon.asgi import Request, Response

from core import cookies, networks
from core.accounts import SESSION_COOKIE, TokenKind
from services.access.tokens import LIFETIMES
from settings import Settings

COOKIE = SESSION_COOKIE
HEALTH_PATHS = ("/healthz", "/readyz")
_FROM_NOWHERE = (
    "A request with the cookie of a session must say from which page it comes, by Sec-Fetch-Site or Origin, as "
    "browsers do. Programs send a token in Authorization instead."
)
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d*)?")


def refuse_other_hosts(req: Request) -> None:
    """Raise 421 unless a request's Host header names this machine.

    For servers without authentication: a foreign name that resolves to this machine is an attack (DNS rebinding).
    """
    if _is_old_checker(req) or _is_this_machine(req.get_header("Host") or ""):
        return
    raise falcon.HTTPError(
        falcon.HTTP_421,
        description="Without INTERNAL_SECRET the server answers only to localhost and loopback addresses. "
        "Call it by one of these, or set the secret.",
    )


def refuse_other_sites(req: Request) -> None:
    """Raise 403 if a page of another site, open in a browser on this machine, sent or may have sent a request.

    Browsers say where a request comes from. One that says nothing comes from a program, which has no session.
    """
    site, origin = req.get_header("Sec-Fetch-Site"), req.get_header("Origin")
    if site is None and origin is None:
        if cookie(req, COOKIE) is not None:
            raise falcon.HTTPForbidden(description=_FROM_NOWHERE)
        return
    own = _is_own(req, origin or "") if site is None else site in ("same-origin", "none")
    if not own:
        raise falcon.HTTPForbidden(description="A page of another site may not change anything here.")


def _is_own(req: Request, origin: str) -> bool:
    """Whether an origin is this server's: its host, and TLS if the request came with it.

    A proxy that ends TLS may not say so; then its pages are of https, though the request came without.
    """
    scheme, _, host = origin.partition("://")
    return host == (req.get_header("Host") or "") and (scheme == "https" or req.scheme not in ("https", "wss"))


def cookie(req: Request, name: str) -> str | None:
    """Returns the value of a cookie that a request carries, or None."""
    return cookies.value(req.get_header("Cookie"), name)


def set_cookie(req: Request, resp: Response, settings: Settings, *, name: str, value: str, seconds: int) -> None:
    """Give a browser a cookie that scripts and other sites cannot use; only for TLS, where there is TLS."""
    secure = "https" in (req.scheme, urlsplit(settings.address).scheme)
    resp.set_cookie(name, value, max_age=seconds, path="/", secure=secure, http_only=True, same_site="Lax")


def keep_session(req: Request, resp: Response, settings: Settings, token: str) -> None:
    """Give a browser the cookie of a session."""
    seconds = int(LIFETIMES[TokenKind.SESSION].total_seconds())
    set_cookie(req, resp, settings, name=COOKIE, value=token, seconds=seconds)


def _is_old_checker(req: Request) -> bool:
    """Whether a request names no host at all, as health checkers may in HTTP/1.0, but no browser does."""
    return req.path in HEALTH_PATHS and not req.get_header("Host")


@functools.lru_cache(maxsize=256)
def _is_this_machine(host: str) -> bool:
    """Whether a Host header names this machine. Cached, since nearly all requests have the same header."""
    return networks.is_loopback(_host_name(host))


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    match = _HOST.fullmatch(host.lower())
    return match["name"] if match else ""
