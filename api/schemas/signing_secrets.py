"""Signing secrets as callers give them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, WithJsonSchema

from api.schemas.values import Given, Shown
from core import request_signatures


def _secret(text: str) -> str:
    request_signatures.key_of(text)
    return text


Secret = Annotated[
    str,
    AfterValidator(_secret),
    WithJsonSchema({"type": "string", "pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"}),
]


class NewSigningSecret(Given):
    """The caller's own secret, so that receivers can have it before it signs; without one, Carillon generates it."""

    secret: Secret | None = None


class SigningSecret(Shown):
    """A secret that signs an app's requests: its beginning and end."""

    id: UUID
    masked: str
    created_at: datetime


class MadeSigningSecret(SigningSecret):
    """A secret as a whole, which is shown this once."""

    secret: str


class SigningSecrets(Shown):
    """An app's signing secrets, newest first; each of them signs."""

    results: list[SigningSecret]
