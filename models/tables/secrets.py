"""Tables of secrets, all of them sealed (`services/secrets/sealing.py`)."""

from __future__ import annotations

from uuid import UUID

import peewee

from models.fields import InstantField, new_id
from models.tables.apps import App
from models.tables.base import Table


class SigningSecret(Table):
    """A secret that an app's requests are signed with; `hint` is its end."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    app = peewee.ForeignKeyField(App, column_name="app_id")
    app_id: UUID  # what peewee keeps of `app` without reading it
    sealed = peewee.TextField()
    hint = peewee.TextField()
    created_at = InstantField()

    class Meta:
        table_name = "signing_secrets"


class AppSecret(Table):
    """A secret that an app's requests name."""

    app = peewee.ForeignKeyField(App, column_name="app_id")
    name = peewee.TextField()
    sealed = peewee.TextField()
    created_at = InstantField()
    updated_at = InstantField()

    class Meta:
        table_name = "app_secrets"
        primary_key = peewee.CompositeKey("app", "name")
