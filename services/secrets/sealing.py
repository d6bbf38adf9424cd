"""Seals secrets for the database and opens them (cryptography's MultiFernet: the first key seals, all of them open)."""

from __future__ import annotations

import functools

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core import secret_keys
from core.errors import Forbidden, Misconfigured
from settings import Settings


def is_possible(settings: Settings) -> bool:
    """Whether this process has a key."""
    return settings.secret_keys is not None


def seal(settings: Settings, secret: bytes) -> str:
    """Returns a secret as it is stored. Raises `Forbidden` where no key is set."""
    keys = _keys(settings)
    if keys is None:
        raise Forbidden(
            "Secrets cannot be stored: SECRET_KEYS is not set. Set it for every process (see .env.example), restart "
            "them, and try again."
        )
    return keys.encrypt(secret).decode("ascii")


def unseal(settings: Settings, sealed: str) -> bytes:
    """Returns a stored secret. Raises `Misconfigured` if none of the keys opens it."""
    keys = _keys(settings)
    if keys is None:
        raise Misconfigured("A secret is stored, and SECRET_KEYS is not set here. Set it as for the other processes.")
    try:
        return keys.decrypt(sealed)
    except InvalidToken:
        raise Misconfigured(
            "A secret was sealed with a key that is not in SECRET_KEYS. Add that key to the end of the list."
        ) from None


def resealed(settings: Settings, sealed: str) -> str:
    """Returns a stored secret, sealed with the first key. Raises as `unseal` does."""
    return seal(settings, unseal(settings, sealed))


def _keys(settings: Settings) -> MultiFernet | None:
    return None if settings.secret_keys is None else _ring(settings.secret_keys.get_secret_value())


@functools.lru_cache(maxsize=8)
def _ring(keys: str) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in secret_keys.listed(keys)])
