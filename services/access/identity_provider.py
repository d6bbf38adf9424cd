"""What single sign-on needs of an identity provider; `openid_connect` asks the one that the settings name."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Attempt:
    """One attempt to log in: what the browser that began it keeps, and must show when it comes back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def new(cls) -> Attempt:
        """Returns a new attempt."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True)
class Identity:
    """Who somebody is to the provider."""

    issuer: str
    subject: str
    username: str
    email: str
    groups: frozenset[str]


class IdentityProvider(Protocol):
    """A provider at which users of this installation log in."""

    def url(self, attempt: Attempt) -> str:
        """Returns the address where a browser logs in. Raises `ProviderUnavailable` if it cannot be asked for."""

    def identity(self, code: str, attempt: Attempt) -> Identity:
        """Returns who has logged in, by the code with which their browser came back.

        Raises `Forbidden` if the provider does not know the code or its answer cannot be believed,
        `ProviderUnavailable` if it cannot be asked.
        """
