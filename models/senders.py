"""Queries on the addresses that an app's e-mails may come from."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from models.tables import App, AppSender


def of_app(app_id: UUID) -> list[str]:
    """Returns the senders that an app may name, sorted here: each database has an order of its own."""
    query = AppSender.select(AppSender.sender).where(AppSender.app == app_id)
    return sorted(row.sender for row in query)


def replace(app: App, senders: Collection[str]) -> None:
    """Replace the senders that an app may name."""
    AppSender.delete().where(AppSender.app == app.id).execute()
    if senders:
        AppSender.insert_many([{"app": app.id, "sender": one} for one in senders]).execute()
