"""How a request gets an access token: by the client credentials of OAuth 2.0, RFC 6749, section 4.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import quote_plus

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core import headers, secret_references, urls

LONGEST_TEXT = 1_000


def _url(url: str) -> str:
    if fault := secret_references.fault_of_url(url) or urls.fault_of(url):
        raise ValueError(fault)
    return url


def _text(text: str) -> str:
    if fault := headers.fault_of_value(text) or secret_references.fault_of_text(text):
        raise ValueError(fault)
    return text


def secret(text: str) -> str:
    """Returns a reference to a secret. Raises `ValueError` for anything else, which it does not repeat."""
    if not secret_references.is_reference(text):
        raise ValueError("must be {{secret.NAME}}, the name of a secret of the app, and nothing else.")
    return text


Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_text)]
Secret = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(secret)]


class OAuth2(BaseModel):
    """Where to get an access token, and by which credentials: sent in the header Authorization, or in the body.

    The token is sent as `Authorization: Bearer`, and used until it expires.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    token_url: Annotated[str, Field(max_length=urls.URL_LENGTH), AfterValidator(_url)]
    client_id: Text
    client_secret: Secret
    scope: Text | None = None
    audience: Text | None = None
    credentials: Literal["header", "body"] = "header"

    def filled(self, secrets: Mapping[str, str]) -> OAuth2:
        """Returns the same with secrets in their places."""
        texts = {name: getattr(self, name) for name in ("client_id", "client_secret", "scope", "audience")}
        new = {name: secret_references.filled(text, secrets) for name, text in texts.items() if text is not None}
        return self.model_copy(update={**new, "token_url": secret_references.filled_url(self.token_url, secrets)})

    def form(self) -> dict[str, str]:
        """Returns the form that asks for a token."""
        asked = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        if self.credentials == "body":
            asked |= {"client_id": self.client_id, "client_secret": self.client_secret}
        return {name: value for name, value in asked.items() if value is not None}

    def user_and_password(self) -> str | None:
        """Returns what is sent by Basic authentication, each part form-encoded first; None where the body has it."""
        if self.credentials == "body":
            return None
        return f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
