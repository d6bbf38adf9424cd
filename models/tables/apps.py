"""Tables of apps, their task types, and the installation."""

from __future__ import annotations

from uuid import UUID

import peewee

from models.fields import InstantField, JsonField, new_id
from models.tables.base import Table


class App(Table):
    """A tenant's application: whom to call.

    `maker_id` is the user who made it; None if that was nobody known, or a former release.
    """

    id = peewee.UUIDField(primary_key=True, default=new_id)
    name = peewee.TextField()
    name_key = peewee.TextField()
    callback_base_url = peewee.TextField(null=True)
    destination_breaker = peewee.BooleanField(null=True)
    paused_at = InstantField(null=True)
    restored_at = InstantField(null=True)
    maker_id = peewee.UUIDField(null=True)
    created_at = InstantField()
    updated_at = InstantField()

    class Meta:
        table_name = "apps"


class AppSender(Table):
    """An address, or a domain with the @ before it, from which an app's e-mails may come."""

    app = peewee.ForeignKeyField(App, column_name="app_id")
    sender = peewee.TextField()

    class Meta:
        table_name = "app_senders"
        primary_key = peewee.CompositeKey("app", "sender")


class AppTaskType(Table):
    """An app's policy for one of its task types: retries, and the request to send."""

    app = peewee.ForeignKeyField(App, column_name="app_id", backref="task_types")
    name = peewee.TextField()
    max_retries = peewee.IntegerField(null=True)
    retry_backoff_base = peewee.DoubleField(null=True)
    request = JsonField(null=True)
    limit_key = peewee.TextField(null=True)
    app_id: UUID  # what peewee keeps of `app` without reading it

    class Meta:
        table_name = "app_task_types"
        primary_key = peewee.CompositeKey("app", "name")


class AppQuotas(Table):
    """How much of the installation an app may use; None: unlimited."""

    app_id = peewee.UUIDField(primary_key=True)
    jobs = peewee.IntegerField(null=True)
    waiting_runs = peewee.IntegerField(null=True)
    shortest_interval_seconds = peewee.DoubleField(null=True)
    payload_bytes = peewee.IntegerField(null=True)
    requests_per_minute = peewee.IntegerField(null=True)
    updated_at = InstantField()

    class Meta:
        table_name = "app_quotas"


class Installation(Table):
    """The state of the whole installation, in the only row, whose id is 1."""

    id = peewee.SmallIntegerField(primary_key=True)
    paused_at = InstantField(null=True)
    timezone_data = peewee.TextField(null=True)
    epoch = peewee.TextField()
    identity = peewee.TextField(default="")
    mark = peewee.BigIntegerField(default=0)
    marked_at = InstantField(null=True)
    home = peewee.TextField(null=True)
    restored_at = InstantField(null=True)
    restored_to = InstantField(null=True)
    holding_since = InstantField(null=True)

    class Meta:
        table_name = "installation"
