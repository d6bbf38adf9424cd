"""Queries on who users are at an identity provider."""

from __future__ import annotations

from uuid import UUID

from models.tables import User, UserIdentity


def user(issuer: str, subject: str) -> User | None:
    """Returns the user who is this subject of an issuer."""
    found: UserIdentity | None = (
        UserIdentity.select(UserIdentity, User)
        .join(User)
        .where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)
        .get_or_none()
    )
    return None if found is None else found.user


def is_known(user_id: UUID) -> bool:
    """Whether a user is somebody at an identity provider."""
    return UserIdentity.get_or_none(UserIdentity.user == user_id) is not None


def insert(issuer: str, subject: str, user: User) -> bool:
    """Store who a user is. Returns whether nobody was this subject before."""
    made = UserIdentity.insert(issuer=issuer, subject=subject, user=user.id).on_conflict(action="NOTHING")
    return bool(list(made.returning(UserIdentity.subject).execute()))
