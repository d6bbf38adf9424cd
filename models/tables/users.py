"""Tables of users, their tokens, and the links that open something to them once."""

from __future__ import annotations

from uuid import UUID

import peewee

from core.accounts import LinkPurpose, TokenKind
from models.fields import EnumField, InstantField, JsonField, new_id
from models.tables.base import Table


class User(Table):
    """Someone who can log in. `is_admin` makes an administrator of a user whom ADMIN_USERNAMES does not name."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    username = peewee.TextField()
    username_key = peewee.TextField()
    email = peewee.TextField()
    password_hash = peewee.TextField()
    created_at = InstantField()
    is_admin = peewee.BooleanField(default=False)
    disabled_at = InstantField(null=True)

    class Meta:
        table_name = "users"


class Token(Table):
    """The hash of what a user shows instead of a password: a token of the API, or a browser's session.

    A token that the user made for a program has a name, a prefix by which it is known, and scopes.
    """

    hash = peewee.TextField(primary_key=True)
    id = peewee.UUIDField(default=new_id)
    user = peewee.ForeignKeyField(User, column_name="user_id")
    user_id: UUID
    kind = EnumField(TokenKind)
    name = peewee.TextField(null=True)
    prefix = peewee.TextField(null=True)
    scopes = JsonField(null=True)
    created_at = InstantField()
    used_at = InstantField()
    expires_at = InstantField()

    class Meta:
        table_name = "tokens"


class KnownAddress(Table):
    """An address (of IPv6, a network) from which a user has logged in, and when they last did."""

    user = peewee.ForeignKeyField(User, column_name="user_id")
    address = peewee.TextField()
    logged_in_at = InstantField()

    class Meta:
        table_name = "known_addresses"
        primary_key = peewee.CompositeKey("user", "address")


class UserIdentity(Table):
    """Who a user is at an identity provider."""

    issuer = peewee.TextField()
    subject = peewee.TextField()
    user = peewee.ForeignKeyField(User, column_name="user_id")

    class Meta:
        table_name = "user_identities"
        primary_key = peewee.CompositeKey("issuer", "subject")


class Link(Table):
    """A link that opens something once, by the hash of its token.

    `user` is the one whose password the link sets or, for an invitation, the one who made it. `maker` is the
    administrator who made a link to another's password: None if it was asked for by e-mail, or made by a caller without
    an account.
    """

    id = peewee.UUIDField(primary_key=True, default=new_id)
    purpose = EnumField(LinkPurpose)
    user = peewee.ForeignKeyField(User, column_name="user_id", null=True)
    user_id: UUID | None
    maker = peewee.ForeignKeyField(User, column_name="maker_id", null=True, backref="links_made")
    maker_id: UUID | None
    email = peewee.TextField(null=True)
    hash = peewee.TextField(null=True)
    created_by = peewee.TextField()
    created_at = InstantField()
    expires_at = InstantField()
    put_off_until = InstantField(null=True)

    class Meta:
        table_name = "links"
