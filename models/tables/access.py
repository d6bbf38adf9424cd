"""Tables of who may do what in an app: its members and its keys."""

from __future__ import annotations

from uuid import UUID

import peewee

from core.scopes import Role
from models.fields import EnumField, InstantField, JsonField, new_id
from models.tables.apps import App
from models.tables.base import Table
from models.tables.users import User


class AppMember(Table):
    """A user's role in an app."""

    app = peewee.ForeignKeyField(App, column_name="app_id")
    app_id: UUID
    user = peewee.ForeignKeyField(User, column_name="user_id")
    user_id: UUID
    role = EnumField(Role)
    created_at = InstantField()

    class Meta:
        table_name = "app_members"
        primary_key = peewee.CompositeKey("app", "user")


class AppKey(Table):
    """A key of an app: the hash of what its bearer shows, the scopes it has, the one account it may be bound to.

    `maker_id` is the user who made it, or made the key that did; None for one of the operator or a former release.
    """

    id = peewee.UUIDField(primary_key=True, default=new_id)
    app = peewee.ForeignKeyField(App, column_name="app_id")
    app_id: UUID
    name = peewee.TextField()
    prefix = peewee.TextField()
    hash = peewee.TextField()
    scopes = JsonField()
    account_id = peewee.TextField(null=True)
    created_by = peewee.TextField()
    maker_id = peewee.UUIDField(null=True)
    created_at = InstantField()
    expires_at = InstantField(null=True)
    used_at = InstantField(null=True)

    class Meta:
        table_name = "app_keys"
