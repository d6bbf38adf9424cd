"""The interface of an identity provider for single sign-on; `openid_connect` implements it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Attempt:
    """One attempt to log in: the values that the browser keeps, and must send when it returns from the provider."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def new(cls) -> Attempt:
        """Returns a new attempt."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True)
class Identity:
    """A user as the provider identifies them."""

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
