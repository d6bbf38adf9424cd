"""Access: who asks, what a path requires of them, and whether they may. Asked once, for HTTP and WebSocket alike.

A path is for administrators and operators unless it is listed here, so a new route is guarded by default. A user sees
their own jobs alone, an administrator everyone's.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Any
from uuid import UUID

import falcon
from falcon.asgi import Request, Response, WebSocket

from api import sites
from api.bodies import BodyTooLarge
from api.forms import OVERHEAD_BYTES
from api.origins import Origins
from api.quotas import RequestQuotas
from api.sites import COOKIE
from api.threads import Threads
from core.accounts import TokenKind
from core.errors import Forbidden
from core.principals import LOCAL, Principal, PrincipalKind
from services.access import users
from services.access.users import UserView
from services.reading import visibility
from services.system import System

SCHEME = "Token"
UPLOAD_PATH = "/api/jobs/upload-file"
ACCOUNT_PATHS = ("/register", "/login", "/logout", "/api/register", "/api/login")
OPEN_PATHS = frozenset({"/", *sites.HEALTH_PATHS, "/openapi.json", "/swagger", *ACCOUNT_PATHS})
RECEIVER_PREFIXES = ("/reports/", "/internal/spool/")  # their resources check a token of one run or one file
OPEN_PREFIXES = ("/swagger/", "/files/", *RECEIVER_PREFIXES)  # links to files are signed
# What users may ask for besides single jobs of their own; each shows or makes their own jobs alone.
USER_PATHS = frozenset(
    {
        "/api/jobs",
        "/api/jobs/send-email",
        "/api/jobs/stats",
        "/api/jobs/types",
        UPLOAD_PATH,
        "/api/logout",
        "/api/schedules/preview",
        "/api/tasks",
        "/jobs/api/jobs",
        "/jobs/api/jobs/stats",
        "/scheduler/jobs",
    }
)
_JOB_ID = "job_id"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_EDITS = ("PUT", "PATCH")  # may be as large as what they edit, so their resources measure them


class Required(StrEnum):
    """What a route requires of a principal. Operators have all of it, and so has everyone if no secret is set."""

    NOTHING = "nothing"
    ACCOUNT = "account"
    OWNERSHIP = "ownership"  # of the job in the path
    ADMINISTRATION = "administration"


def required(template: str) -> Required:
    """Returns what the route of this URI template requires: administration, unless it is listed."""
    if is_open(template):
        return Required.NOTHING
    if template in USER_PATHS:
        return Required.ACCOUNT
    return Required.OWNERSHIP if f"{{{_JOB_ID}" in template else Required.ADMINISTRATION


def is_open(path: str) -> bool:
    """Whether a path requires nothing."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def principal(req: Request) -> Principal:
    """Returns who sent a request."""
    found: Principal = req.context.principal
    return found


def token_of(req: Request) -> str | None:
    """Returns the token that a request shows, else that of its session."""
    if _shows_token(req):
        return (req.auth or "").partition(" ")[2].strip()
    session = req.get_cookie_values(COOKIE)
    return session[0] if session else None


def unauthorized(description: str, *challenges: str) -> falcon.HTTPUnauthorized:
    """Returns the refusal of someone who is not known."""
    return falcon.HTTPUnauthorized(description=description, challenges=[*challenges, SCHEME])


class Access:
    """Establishes the principal of each request and each WebSocket handshake, and refuses what they may not do."""

    def __init__(self, system: System, threads: Threads, quotas: RequestQuotas, origins: Origins) -> None:
        settings = system.settings
        self._system = system
        self._threads = threads
        self._quotas = quotas
        self._origins = origins
        self._most = settings.max_body_bytes
        self._most_of_a_form = settings.max_upload_bytes + OVERHEAD_BYTES
        self._anonymous = settings.anonymous
        self._secret = settings.internal_secret.get_secret_value().encode() if settings.internal_secret else b""

    async def process_request(self, req: Request, _resp: Response) -> None:
        await self._admit(req, from_own_site=req.method not in _SAFE_METHODS)
        self._refuse_too_large(req)

    async def process_request_ws(self, req: Request, _ws: WebSocket) -> None:
        # Browsers let a page open a channel to any site, with that site's cookies, and read what comes.
        await self._admit(req, from_own_site=True)

    async def process_resource(self, req: Request, _resp: Response, resource: Any, params: dict[str, Any]) -> None:
        if resource is not None:
            await self._expect_allowed(req, params.get(_JOB_ID))

    async def process_resource_ws(self, req: Request, _ws: WebSocket, _resource: Any, params: dict[str, Any]) -> None:
        await self._expect_allowed(req, params.get(_JOB_ID))

    async def _admit(self, req: Request, *, from_own_site: bool) -> None:
        """Establish who asks, before any route is looked for. Raises for those whom no path is open to."""
        if self._anonymous:
            sites.refuse_other_hosts(req)
        if from_own_site and not self._is_invited(req):
            sites.refuse_other_sites(req)
        user = await self._user(req)
        shows_secret = self._shows_secret(req)
        req.context.principal = _principal(req.path, user, shows_secret=shows_secret, anonymous=self._anonymous)
        if not shows_secret:
            self._quotas.count(req)
        if not is_open(req.path):
            _refuse_strangers(req, user)

    async def _user(self, req: Request) -> UserView | None:
        """The user whose token or session a request shows; at open paths nobody is looked up."""
        token = token_of(req)
        if token is None or is_open(req.path):
            return None
        kind = TokenKind.TOKEN if _shows_token(req) else TokenKind.SESSION
        return await self._threads.run(users.authenticate, self._system, token, kind)

    async def _expect_allowed(self, req: Request, job_id: UUID | None) -> None:
        """Raises `Forbidden` or `NotFound` if the principal lacks what the route requires."""
        match required(req.uri_template or ""):
            case Required.ADMINISTRATION if principal(req).visible_owner_id is not None:
                raise Forbidden("This path is for administrators, whom the setting ADMIN_USERNAMES names.")
            case Required.OWNERSHIP if principal(req).visible_owner_id is not None and job_id is not None:
                await self._threads.run(visibility.expect_visible, principal(req), job_id)

    def _is_invited(self, req: Request) -> bool:
        """Whether a page of a named origin asks, and not with the session that a browser adds by itself."""
        return self._origins.allows(req) and not req.get_cookie_values(COOKIE)

    def _shows_secret(self, req: Request) -> bool:
        given = (req.get_header("X-Internal-Secret") or "").encode("latin-1", "replace")
        return not self._anonymous and hmac.compare_digest(given, self._secret)

    def _refuse_too_large(self, req: Request) -> None:
        most = self._most_of_a_form if req.path == UPLOAD_PATH else self._most
        if req.method not in _EDITS and (req.content_length or 0) > most:
            raise BodyTooLarge(most)


def _principal(path: str, user: UserView | None, *, shows_secret: bool, anonymous: bool) -> Principal:
    if user is not None:
        return Principal(PrincipalKind.USER, user.id, user.username, user.is_admin)
    if anonymous:
        return LOCAL
    if shows_secret:
        return Principal(PrincipalKind.OPERATOR)
    return Principal(PrincipalKind.RECEIVER if path.startswith(RECEIVER_PREFIXES) else PrincipalKind.VISITOR)


def _refuse_strangers(req: Request, user: UserView | None) -> None:
    if user is None and _shows_token(req):
        raise unauthorized("The token is wrong or has expired. Log in anew with POST /api/login/.")
    if user is None and not principal(req).is_trusted:
        raise unauthorized(
            "The header X-Internal-Secret is missing or wrong. Send the server's INTERNAL_SECRET, "
            "or the token of a user as Authorization: Token.",
            "X-Internal-Secret",
        )


def _shows_token(req: Request) -> bool:
    return (req.auth or "").partition(" ")[0].lower() == SCHEME.lower()
