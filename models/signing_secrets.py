"""Queries on the secrets that apps sign with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from models import database
from models.tables import App, SigningSecret

SIGNING = 2
"""How many of an app's secrets sign, the newest: so one is exchanged while both are good."""


def lock(app_id: UUID) -> None:
    """Lock an app until the transaction ends, so that its secrets change one after the other."""
    database.for_update(App.select(App.id).where(App.id == app_id)).get()


def of_app(app_id: UUID) -> list[SigningSecret]:
    """Returns an app's secrets, newest first."""
    query = SigningSecret.select().where(SigningSecret.app == app_id)
    return list(query.order_by(SigningSecret.created_at.desc(), SigningSecret.id.desc()))


def sealed(app_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Returns for each of these apps the sealed secrets that sign, newest first."""
    query = SigningSecret.select(SigningSecret.app, SigningSecret.sealed).where(SigningSecret.app.in_(list(app_ids)))
    found: dict[UUID, list[str]] = {app_id: [] for app_id in app_ids}
    for row in query.order_by(SigningSecret.created_at.desc(), SigningSecret.id.desc()):
        found[row.app_id].append(row.sealed)
    return {app_id: secrets[:SIGNING] for app_id, secrets in found.items()}


def add(app_id: UUID, sealed_secret: str, hint: str, now: datetime) -> SigningSecret:
    """Store a new secret of an app."""
    return SigningSecret.create(app=app_id, sealed=sealed_secret, hint=hint, created_at=now)


def delete(ids: Collection[UUID]) -> None:
    """Delete these secrets."""
    SigningSecret.delete().where(SigningSecret.id.in_(list(ids))).execute()
