"""The identity provider of the installation: OpenID Connect's code flow with PKCE, by authlib.

What the provider publishes about itself is remembered for an hour; its keys are read again when an unknown one signs.
While it is unavailable it is asked once in ten seconds. Causes are logged; callers get a constant message. Importing
its libraries takes a tenth of the start of a web process: import this module only if a provider is set.
"""

from __future__ import annotations

import functools
import ssl
import threading
from typing import Any

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from core.errors import Forbidden, ProviderUnavailable
from services.access.identity_provider import Attempt, Identity
from services.runtime.http_sessions import bounded, context
from services.system import System

CALLBACK = "/oidc/callback"
_SECONDS = 10.0
_REMEMBERED_SECONDS = 3_600.0
_AWAY_SECONDS = 10.0
_LEEWAY_SECONDS = 60
_SIGNED_BY = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_WELL_KNOWN = "/.well-known/openid-configuration"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
log = structlog.get_logger()


class OpenIdConnect:
    """The provider that the settings name."""

    def __init__(self, system: System) -> None:
        self._settings = system.settings
        self._clock = system.clock
        self._lock = threading.Lock()
        self._published: tuple[float, dict[str, Any], dict[str, Any]] | None = None
        self._away_until = 0.0

    def url(self, attempt: Attempt) -> str:
        """Returns the address where a browser logs in. Raises `ProviderUnavailable` if it cannot be asked for."""
        about, _ = self._about()
        with self._client() as client:
            url, _ = client.create_authorization_url(
                about["authorization_endpoint"],
                state=attempt.state,
                code_verifier=attempt.verifier,
                nonce=attempt.nonce,
            )
        return str(url)

    def identity(self, code: str, attempt: Attempt) -> Identity:
        """Returns who has logged in, by the code with which their browser came back.

        Raises `Forbidden` if the provider does not know the code or its answer cannot be believed,
        `ProviderUnavailable` if it cannot be asked.
        """
        about, _ = self._about()
        token = self._token(about["token_endpoint"], code, attempt)
        try:
            claims = self._claims(token, attempt)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            log.warning("id_token_not_believed", error=_name(error))
            raise Forbidden(
                "The identity provider's answer cannot be believed. Log in again, or ask who runs this."
            ) from None
        return self._read(claims)

    def _token(self, endpoint: str, code: str, attempt: Attempt) -> dict[str, Any]:
        self._refuse_while_away()
        try:
            with self._client() as client:
                found: dict[str, Any] = client.fetch_token(
                    endpoint, code=code, code_verifier=attempt.verifier, timeout=_SECONDS, allow_redirects=False
                )
        except AuthlibBaseError as error:
            log.warning("login_refused_by_provider", error=_name(error))
            raise Forbidden("The identity provider refused the login. Log in again.") from None
        except (requests.ConnectionError, requests.Timeout) as error:
            raise self._away(error) from None
        except (requests.RequestException, ValueError) as error:  # about this code, it may be: others are not refused
            log.warning("identity_provider_unfit", error=str(error))
            raise ProviderUnavailable from None
        return found

    def _claims(self, token: dict[str, Any], attempt: Attempt) -> CodeIDToken:
        text = token["id_token"] if isinstance(token.get("id_token"), str) else ""
        try:
            decoded = jwt.decode(text, self._keys(), algorithms=_SIGNED_BY)
        except InvalidKeyIdError:  # the provider has changed its keys
            decoded = jwt.decode(text, self._keys(anew=True), algorithms=_SIGNED_BY)
        client_id = self._settings.oidc_client_id
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self._settings.oidc_issuer},
                "aud": {"essential": True, "value": client_id},
            },
            {"nonce": attempt.nonce, "client_id": client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(self._clock.now().timestamp()), leeway=_LEEWAY_SECONDS)
        return claims

    def _read(self, claims: CodeIDToken) -> Identity:
        email, groups = claims.get("email"), claims.get(self._settings.oidc_groups_claim)
        username = claims.get("preferred_username") or str(email or "").partition("@")[0]
        if not isinstance(email, str) or not isinstance(username, str) or claims.get("email_verified") is not True:
            raise Forbidden(
                "The identity provider sent no user name or no verified e-mail address for you. Ask its administrator."
            )
        listed = groups if isinstance(groups, list) else []
        known = frozenset(one for one in listed if isinstance(one, str))
        return Identity(str(claims["iss"]), str(claims["sub"]), username, email, known)

    def _keys(self, *, anew: bool = False) -> KeySet:
        return KeySet.import_key_set(self._about(anew=anew)[1])  # type: ignore[arg-type]  # its rules are checked there

    def _about(self, *, anew: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Returns what the provider publishes: about itself, and its keys. Raises `ProviderUnavailable`."""
        now = self._clock.monotonic()
        with self._lock:
            if self._published is None or anew or now - self._published[0] >= _REMEMBERED_SECONDS:
                self._published = now, *self._fetched()
            return self._published[1:]

    def _fetched(self) -> tuple[dict[str, Any], dict[str, Any]]:
        self._refuse_while_away()
        issuer = self._settings.oidc_issuer or ""
        try:
            with bounded(requests.Session(), self._trusted, _SECONDS) as session:
                about = _object(session, issuer.rstrip("/") + _WELL_KNOWN)
                _refuse_other(issuer, about)
                return about, _object(session, about["jwks_uri"])
        except (requests.RequestException, ValueError) as error:
            raise self._away(error) from None

    def _refuse_while_away(self) -> None:
        if self._clock.monotonic() < self._away_until:
            raise ProviderUnavailable

    def _away(self, error: Exception) -> ProviderUnavailable:
        """Returns the refusal of a login, and of those that follow within `_AWAY_SECONDS`."""
        self._away_until = self._clock.monotonic() + _AWAY_SECONDS
        log.warning("identity_provider_away", error=str(error), remedy="see to the provider, or correct OIDC_ISSUER")
        return ProviderUnavailable()

    @functools.cached_property
    def _trusted(self) -> ssl.SSLContext:
        return context(self._settings.ca_bundle)

    def _client(self) -> OAuth2Session:
        secret = self._settings.oidc_client_secret
        client = OAuth2Session(
            self._settings.oidc_client_id,
            None if secret is None else secret.get_secret_value(),
            scope=self._settings.oidc_scopes,
            redirect_uri=f"{self._settings.address}{CALLBACK}",
            code_challenge_method="S256",
        )
        return bounded(client, self._trusted, _SECONDS)


def _object(session: requests.Session, url: str) -> dict[str, Any]:
    answer = session.get(url, timeout=_SECONDS, allow_redirects=False)
    if answer.status_code != requests.codes.ok:
        raise ValueError(f"it answered {answer.status_code}")
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("it answered no JSON object")  # noqa: TRY004  as what is no JSON at all
    return found


def _refuse_other(issuer: str, about: dict[str, Any]) -> None:
    if about.get("issuer") != issuer:
        raise ValueError(f"it names itself {about.get('issuer')!r}, and OIDC_ISSUER is {issuer!r}")
    missing = [name for name in _ENDPOINTS if not isinstance(about.get(name), str)]
    if missing:
        raise ValueError(f"it names no {missing[0]}")


def _name(error: Exception) -> str:
    return str(getattr(error, "error", None) or type(error).__name__)
