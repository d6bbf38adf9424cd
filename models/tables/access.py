"""Tables of who may do what in an app."""

from __future__ import annotations

from uuid import UUID

import peewee

from core.scopes import Role
from models.fields import EnumField, InstantField
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
