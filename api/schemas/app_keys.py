"""Keys of apps as callers write them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.values import AccountId, Given, Instant, Name, ScopeWord, Shown
from core.scopes import Scope
from services.access import app_keys


class NewKey(Given):
    """A key to create: its name and scopes; optionally for one account's jobs only, and with an end."""

    name: Name
    scopes: Annotated[list[ScopeWord], Field(min_length=1, max_length=len(Scope))]
    account_id: AccountId | None = None
    expires_at: Instant | None = None

    def parsed(self) -> app_keys.NewKey:
        """Returns this as the services take it."""
        return app_keys.NewKey(self.name, frozenset(map(Scope, self.scopes)), self.account_id, self.expires_at)


class Key(Shown):
    """A key; `prefix` is how it begins, `used_at` when it was last shown, to the minute."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    account_id: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class MadeKey(Key):
    """A new key; `key` is shown only once, to be sent as `Authorization: Bearer <key>`."""

    key: str


class Keys(Shown):
    """An app's keys, newest first."""

    results: list[Key]
