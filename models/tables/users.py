"""Tables of users and their tokens."""

from __future__ import annotations

import peewee

from core.accounts import TokenKind
from models.fields import EnumField, InstantField, new_id
from models.tables.base import Table


class User(Table):
    """Someone who can log in."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    username = peewee.TextField()
    username_key = peewee.TextField()
    email = peewee.TextField()
    password_hash = peewee.TextField()
    created_at = InstantField()

    class Meta:
        table_name = "users"


class Token(Table):
    """The hash of what a user shows instead of a password: a token of the API, or a browser's session."""

    hash = peewee.TextField(primary_key=True)
    user = peewee.ForeignKeyField(User, column_name="user_id")
    kind = EnumField(TokenKind)
    created_at = InstantField()
    used_at = InstantField()
    expires_at = InstantField()

    class Meta:
        table_name = "tokens"
