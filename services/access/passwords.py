"""Passwords: hashed with argon2id, at the effort that OWASP recommends."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# What OWASP recommends for argon2id with least memory: 19 MiB, two passes.
hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# The hash of a password that nobody knows, at the same effort. It is fixed, since making one at each start is slow.
nobodys_hash = "$argon2id$v=19$m=19456,t=2,p=1$JXBC+sbrWq4gO9y1dSYAFA$AoeaPJuLByzL5epPLwGqELpj+1eahR5KXpIytjxmmKQ"


def hashed(password: str) -> str:
    """Returns the hash by which a password is kept."""
    return hasher.hash(password)


def fits(password_hash: str | None, password: str) -> bool:
    """Whether a password matches a hash. Takes as long if there is no hash, so that the time reveals nothing."""
    try:
        return hasher.verify(password_hash or nobodys_hash, password)
    except (VerificationError, InvalidHashError):
        return False
