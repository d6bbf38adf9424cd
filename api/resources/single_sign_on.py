"""Log in at the identity provider: the browser is redirected there, and returns with a code."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from falcon.asgi import Request, Response

from api import access, posted_forms, sessions, sites
from api.operations import Required, operation
from api.threads import Threads
from core.errors import Forbidden, NotFound
from services.access import single_sign_on
from services.access.identity_provider import Attempt, IdentityProvider
from services.access.login_throttle import Throttle
from services.system import System

COOKIE = "carillon_single_sign_on"
_ATTEMPT_SECONDS = 600
_HOME = "/dashboard/"
_LONGEST_CODE = 4_000


class _SingleSignOn:
    """The base: the installation has a provider, or there is nothing here. Threads of their own wait for it."""

    def __init__(self, system: System, asking: Threads, throttle: Throttle, provider: IdentityProvider | None) -> None:
        self._system = system
        self._asking = asking
        self._throttle = throttle
        self._provider = provider

    def _expected_provider(self) -> IdentityProvider:
        if self._provider is None:
            raise NotFound("single sign-on", "here: OIDC_ISSUER is not set")
        return self._provider


class LoginElsewhere(_SingleSignOn):
    """`/oidc/login`."""

    @operation(access=Required.NOTHING)
    async def on_get(self, req: Request, resp: Response) -> None:
        """Lead a browser to the provider, which leads it back."""
        provider = self._expected_provider()
        attempt = Attempt.new()
        url = await self._asking.run(
            single_sign_on.begin, access.principal(req), attempt, provider=provider, throttle=self._throttle
        )
        text = f"{attempt.state}.{attempt.nonce}.{attempt.verifier}"
        sites.set_cookie(req, resp, self._system.settings, name=COOKIE, value=text, seconds=_ATTEMPT_SECONDS)
        posted_forms.lead(resp, url)


class LoginFromElsewhere(_SingleSignOn):
    """`/oidc/callback`."""

    @operation(access=Required.NOTHING)
    async def on_get(self, req: Request, resp: Response) -> None:
        """Accept the code with which a browser returns from the provider, and begin a session."""
        provider = self._expected_provider()
        attempt = _attempt(req)
        code = req.get_param("code") or ""
        if not 0 < len(code) <= _LONGEST_CODE:
            raise Forbidden("The identity provider let nobody log in. Log in again, or ask who runs it.")
        principal = access.principal(req)
        token = await self._asking.run(
            single_sign_on.log_in,
            principal,
            self._system,
            code,
            attempt,
            provider=provider,
            throttle=self._throttle,
        )
        resp.unset_cookie(COOKIE, path="/", same_site="Lax")
        await sessions.begin(req, resp, self._system, self._asking, token)
        posted_forms.lead(resp, f"{urlsplit(self._system.settings.address).path.rstrip('/')}{_HOME}")


def _attempt(req: Request) -> Attempt:
    """Returns the attempt that this browser began. Raises `Forbidden` if it began none, or another."""
    parts = (sites.cookie(req, COOKIE) or "").split(".")
    state = req.get_param("state") or ""
    is_whole = len(parts) == 3 and all(parts)  # noqa: PLR2004  as they are set
    if not is_whole or not hmac.compare_digest(parts[0].encode(), state.encode()):
        raise Forbidden("This login was not begun in this browser, or too long ago. Log in again.")
    return Attempt(*parts)
